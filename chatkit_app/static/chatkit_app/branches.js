/** Other answers and other questions: what is asked in a thread beside its next message. */

import { toSent } from "./drafts.js"
import { ChatKitError, newId } from "./protocol.js"

/**
 * @import { AcceptedFrame, Command, Environment, PageTool, Json } from "./types.js"
 * @import { Asking } from "./outbox.js"
 *
 * @typedef {object} Surroundings what the page tells with whatever its visitor says
 * @property {{ [key: string]: Json }} page
 * @property {PageTool[]} [tools]
 */

export class Branches {
  #ask
  #tab
  #env
  #tell

  /**
   * @param {object} options
   * @param {(command: Command, options?: Asking) => Promise<AcceptedFrame>} options.ask
   * @param {string} options.tab
   * @param {Environment} options.env
   * @param {() => Surroundings} options.tell
   */
  constructor({ ask, tab, env, tell }) {
    this.#ask = ask
    this.#tab = tab
    this.#env = env
    this.#tell = tell
  }

  /** @param {string | null} thread @param {string} message */
  async regenerate(thread, message) {
    const place = { ...this.#in(thread), message, tab: this.#tab }
    return toSent(await this.#ask({ type: "regenerate", ...place }))
  }

  /**
   * @param {string | null} thread
   * @param {string} message
   * @param {{ text: string, attachments: string[] }} said
   */
  async edit(thread, message, said) {
    const place = { ...this.#in(thread), message, tab: this.#tab }
    return toSent(await this.#ask({ type: "edit", ...place, ...said, ...this.#tell() }))
  }

  /** @param {string | null} thread @param {string} message */
  async show(thread, message) {
    await this.#ask({ type: "show", ...this.#in(thread), message })
  }

  /** @param {string | null} thread @param {string} run */
  async retry(thread, run) {
    const place = { ...this.#in(thread), run, tab: this.#tab }
    return toSent(await this.#ask({ type: "retry", ...place }))
  }

  /** @param {string | null} thread */
  #in(thread) {
    if (thread === null) throw new ChatKitError("no_thread", "There is no thread yet.")
    return { id: newId(this.#env.crypto), thread }
  }
}
