/** What a visitor has sent in one thread and the thread does not show yet. */

import { ChatKitError } from "./protocol.js"

/**
 * @import { KeptMessage } from "./kept.js"
 * @import { AcceptedFrame } from "./types.js"
 */

/**
 * @typedef {{ thread: string, run: string, message: string }} Sent
 *
 * @typedef {object} PendingMessage
 * @property {string} clientId
 * @property {string} text
 * @property {readonly string[]} attachments the ids of its files
 * @property {"sending" | "refused"} state
 * @property {{ code: string, message: string, retryMs: number | null }} [error] why it was refused
 */

/** Event: `change`. */
export class Drafts extends EventTarget {
  /** @type {readonly PendingMessage[]} a new array whenever one has changed */
  #list = []
  /** @type {Promise<unknown> | null} the thread is being made by its first message */
  #first = null

  /**
   * @param {string | null} thread null until its first message has made it
   * @param {string} chat names this writing while there is no thread
   */
  constructor(thread, chat) {
    super()
    this.thread = thread
    this.chat = chat
  }

  get list() {
    return this.#list
  }

  /**
   * @param {KeptMessage} message
   * @param {(message: KeptMessage) => Promise<Sent>} ask told where it goes
   */
  async send(message, ask) {
    const { id: clientId, text, attachments = [] } = message
    this.#set([...this.#list, { clientId, text, attachments, state: "sending" }])
    // Two first messages at once would make two threads.
    while (this.#first) await this.#first
    const sending = this.#ask(
      { ...message, thread: message.thread ?? this.thread },
      ask,
    )
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
   * @param {KeptMessage} message
   * @param {(message: KeptMessage) => Promise<Sent>} ask
   */
  async #ask(message, ask) {
    try {
      return await ask(message)
    } catch (error) {
      this.#refuse(message.id, /** @type {Error} */ (error))
      throw error
    }
  }

  /** @param {string} clientId @param {Error} reason */
  #refuse(clientId, reason) {
    const isOurs = reason instanceof ChatKitError
    const { code, retryMs } = isOurs ? reason : { code: "internal", retryMs: null }
    const error = { code, message: reason.message, retryMs }
    this.#set(
      this.#list.map((draft) =>
        draft.clientId === clientId ? { ...draft, state: "refused", error } : draft,
      ),
    )
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
