// The current thread of each assistant, remembered in the browser, where it lets us.

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Shelf */

export class ThreadMemory {
  #key
  #shelf

  /**
   * @param {string} url the mount
   * @param {string} assistant
   * @param {() => Shelf} shelf throws where a browser forbids storage
   */
  constructor(url, assistant, shelf = () => localStorage) {
    this.#key = `chatkit:${url}:${assistant}:thread`
    this.#shelf = shelf
  }

  /** @returns {string | null} */
  get threadId() {
    return this.#try((shelf) => shelf.getItem(this.#key)) || null
  }

  set threadId(id) {
    this.#try((shelf) =>
      id === null ? shelf.removeItem(this.#key) : shelf.setItem(this.#key, id),
    )
  }

  /**
   * @template Result
   * @param {(shelf: Shelf) => Result} use
   * @returns {Result | null}
   */
  #try(use) {
    try {
      return use(this.#shelf())
    } catch {
      return null // blocked or full: the thread is then remembered by the server's list alone
    }
  }
}
