// What is new in the viewer's list of threads: heard by the owner's bell, looked up, and told to the views.

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

/**
 * @typedef {object} NewsHost
 * @property {() => string} assistant
 * @property {() => void} changed the list is another one
 * @property {(isUnread: boolean) => void} unread has something been said in another thread?
 */

export class ThreadNews {
  #client
  #host
  /** @type {(() => void) | null} */
  #stop = null
  /** The last one who asks is answered. */
  #asked = 0

  /**
   * @param {Pick<ClientShape, "api" | "threadId" | "watchThreads">} client
   * @param {NewsHost} host
   */
  constructor(client, host) {
    this.#client = client
    this.#host = host
  }

  begin() {
    this.#stop ??= this.#client.watchThreads(() => {
      this.#host.changed()
      void this.#look()
    })
  }

  end() {
    this.#stop?.()
    this.#stop = null
  }

  /** Of those that are unread one may be the one that is shown: two tell. */
  async #look() {
    this.#asked += 1
    const asked = this.#asked
    const assistant = this.#host.assistant()
    const query = { assistant, status: /** @type {const} */ ("open"), unread: true }
    const page = await this.#client.api.threads({ ...query, size: 2 }).catch(() => null)
    if (page === null || asked !== this.#asked) return
    this.#host.unread(page.threads.some(({ id }) => id !== this.#client.threadId))
  }
}
