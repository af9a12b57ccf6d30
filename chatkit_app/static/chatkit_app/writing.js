/** All that this page has written and the server has not shown: of the thread here, and of others. */

import { Drafts, toSent } from "./drafts.js"
import { KeptMessages } from "./kept.js"
import { ChatKitError, newId } from "./protocol.js"

/**
 * @import { Asking } from "./outbox.js"
 * @import { AcceptedFrame, Environment } from "./types.js"
 * @import { KeptMessage } from "./kept.js"
 *
 * @typedef {(message: KeptMessage, options: Asking) => Promise<AcceptedFrame>} Ask
 */

/** Events: `change` (of what is written here), `thread` (detail: the one that a first message made here). */
export class Writing extends EventTarget {
  #env
  #ask
  #kept
  /** @type {Drafts} */
  #here
  /** Others that are not through yet. @type {Set<Drafts>} */
  #elsewhere = new Set()

  /**
   * @param {object} options
   * @param {string | null} options.thread
   * @param {URL} options.mount
   * @param {string} options.assistant
   * @param {Environment} options.env
   * @param {Ask} options.ask
   */
  constructor({ thread, mount, assistant, env, ask }) {
    super()
    this.#env = env
    this.#ask = ask
    this.#kept = new KeptMessages(mount, assistant, env)
    this.#here = this.#drafts(thread)
    this.#restore()
  }

  get list() {
    return this.#here.list
  }

  /**
   * @param {Pick<KeptMessage, "assistant" | "text" | "attachments" | "viewer">} said
   * @returns {Promise<import("./drafts.js").Sent>}
   */
  send(said) {
    const { chat, thread } = this.#here
    const id = newId(this.#env.crypto)
    const message = { ...said, id, chat, thread, at: this.#env.date() }
    this.#kept.put(message)
    return this.#send(this.#here, message, { viewer: said.viewer })
  }

  /** @param {(clientId: string) => boolean} isDone */
  remove(isDone) {
    this.#here.remove(isDone)
  }

  /** Another thread is written to; what is on its way goes on. @param {string | null} thread */
  leave(thread) {
    this.#elsewhere.add(this.#here)
    for (const drafts of this.#elsewhere)
      if (drafts.list.length === 0) this.#elsewhere.delete(drafts)
    const known = [...this.#elsewhere].find(
      (drafts) => thread !== null && drafts.thread === thread,
    )
    if (known) this.#elsewhere.delete(known)
    this.#here = known ?? this.#drafts(thread)
  }

  /** @param {string | null} thread @param {string} [chat] */
  #drafts(thread, chat = newId(this.#env.crypto)) {
    const drafts = new Drafts(thread, chat)
    drafts.addEventListener("change", () => {
      if (drafts === this.#here) this.dispatchEvent(new Event("change"))
    })
    return drafts
  }

  /** What was written before a reload is sent now, each in the order and to the place of its own. */
  #restore() {
    for (const message of this.#kept.list()) {
      const drafts = this.#placeOf(message)
      const isOld = this.#kept.isOld(message)
      const options = { isPatient: true, viewer: message.viewer, isOld }
      this.#send(drafts, message, options).catch((error) => {
        // A stranger at the door shall not read it.
        if (error.code === "signed_out") drafts.remove((id) => id === message.id)
      })
    }
  }

  /** @param {KeptMessage} message @returns {Drafts} */
  #placeOf({ thread, chat }) {
    const isIt = (/** @type {Drafts} */ drafts) =>
      thread === null ? drafts.chat === chat : drafts.thread === thread
    const found = [this.#here, ...this.#elsewhere].find(isIt)
    if (found) return found
    const drafts = this.#drafts(thread, chat)
    const isFirstHere = this.#here.thread === null && this.#here.list.length === 0
    if (thread === null && isFirstHere) this.#here = drafts
    else this.#elsewhere.add(drafts)
    return drafts
  }

  /**
   * @param {Drafts} drafts
   * @param {KeptMessage} message
   * @param {Asking & { isOld?: boolean }} options
   */
  #send(drafts, message, { isOld = false, ...options }) {
    return drafts.send(message, async (asked) => {
      try {
        if (isOld) throw new ChatKitError("expired", "It was written too long ago.")
        this.#kept.put(asked)
        const sent = toSent(await this.#ask(asked, options))
        this.#arrived(drafts, sent.thread)
        return sent
      } finally {
        this.#kept.remove(asked.id)
      }
    })
  }

  /** @param {Drafts} drafts @param {string} thread */
  #arrived(drafts, thread) {
    const isFirst = drafts.thread === null
    drafts.thread = thread
    if (isFirst && drafts === this.#here)
      this.dispatchEvent(new CustomEvent("thread", { detail: thread }))
  }
}
