/** What a visitor has sent in one thread and the thread does not show yet. */

/**
 * @import { ChatKitError } from "./protocol.js"
 * @import { AcceptedFrame } from "./types.js"
 */

/**
 * @typedef {{ thread: string, run: string, message: string }} Sent
 *
 * @typedef {object} PendingMessage
 * @property {string} clientId
 * @property {string} text
 * @property {"sending" | "refused"} state
 * @property {{ code: string, message: string }} [error] why it was refused
 */

/** Event: `change`. */
export class Drafts extends EventTarget {
  /** @type {readonly PendingMessage[]} a new array whenever one has changed */
  #list = []
  /** @type {Promise<unknown> | null} the thread is being made by its first message */
  #first = null
  #newId

  /**
   * @param {string | null} thread null until its first message has made it
   * @param {() => string} newId
   */
  constructor(thread, newId) {
    super()
    this.thread = thread
    this.#newId = newId
  }

  get list() {
    return this.#list
  }

  /**
   * @param {string} text
   * @param {(clientId: string) => Promise<Sent>} ask
   */
  async send(text, ask) {
    const clientId = this.#newId()
    this.#set([...this.#list, { clientId, text, state: "sending" }])
    // Two first messages at once would make two threads.
    while (this.#first) await this.#first
    const sending = this.#ask(clientId, ask)
    if (this.thread === null) {
      this.#first = sending
        .catch(() => {})
        .finally(() => {
          this.#first = null
        })
    }
    return sending
  }

  /** They are shown now, or not wanted any more. @param {(clientId: string) => boolean} isDone */
  remove(isDone) {
    if (this.#list.some((draft) => isDone(draft.clientId))) {
      this.#set(this.#list.filter((draft) => !isDone(draft.clientId)))
    }
  }

  /**
   * @param {string} clientId
   * @param {(clientId: string) => Promise<Sent>} ask
   */
  async #ask(clientId, ask) {
    try {
      return await ask(clientId)
    } catch (error) {
      const { code, message } = /** @type {ChatKitError} */ (error)
      /** @type {(draft: PendingMessage) => PendingMessage} */
      const refuse = (draft) => ({
        ...draft,
        state: "refused",
        error: { code, message },
      })
      const isIt = (/** @type {PendingMessage} */ draft) => draft.clientId === clientId
      this.#set(this.#list.map((draft) => (isIt(draft) ? refuse(draft) : draft)))
      throw error
    }
  }

  /** @param {readonly PendingMessage[]} list */
  #set(list) {
    this.#list = list
    this.dispatchEvent(new Event("change"))
  }
}

/** @param {AcceptedFrame} frame @returns {Sent} */
export function toSent({ thread = "", run = "", message = "" }) {
  return { thread, run, message }
}
