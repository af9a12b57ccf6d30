/** What goes over HTTP: becoming a visitor, the list of threads, older messages, large answers. */

import { ChatKitError } from "./protocol.js"

/**
 * @import { Http } from "./http.js"
 * @import { InterruptAnswer, Message } from "./types.js"
 */

/**
 * @typedef {object} ThreadSummary
 * @property {string} id
 * @property {string} assistant
 * @property {string} title
 * @property {string} status
 * @property {string} lastActivityAt
 * @property {string} createdAt
 *
 * @typedef {{ results: Message[], earlier: boolean }} MessagePage oldest first
 */

export class Requests {
  #http

  /** @param {Http} http */
  constructor(http) {
    this.#http = http
  }

  /** Make the anonymous visitor, whom the site then knows by its own cookie. */
  async makeVisitor() {
    try {
      await this.#http.ask("visitor/", { method: "POST", body: "{}" })
    } catch (error) {
      const { code, message } = /** @type {ChatKitError} */ (error)
      if (code === "unreachable") throw error
      throw new ChatKitError("no_viewer", message)
    }
  }

  /**
   * @param {string} assistant
   * @param {string | undefined} cursor `next` of the page before
   * @returns {Promise<{ threads: ThreadSummary[], next: string | null }>}
   */
  async threads(assistant, cursor) {
    const query = new URLSearchParams({ assistant, ...(cursor ? { cursor } : {}) })
    const page = await this.#http.ask(`api/threads/?${query}`)
    return { threads: page.results, next: this.#http.cursorOf(page.next) }
  }

  /**
   * @param {string} thread
   * @param {string} before the id of a message
   * @returns {Promise<MessagePage>}
   */
  earlier(thread, before) {
    const query = new URLSearchParams({ before })
    return this.#http.ask(
      `api/threads/${encodeURIComponent(thread)}/messages/?${query}`,
    )
  }

  /**
   * The command `resolve`; the server does it once, however often it comes with the same id.
   *
   * @param {{ id: string, thread: string, tab: string, answers: InterruptAnswer[] }} command
   * @returns {Promise<{ id: string, thread: string, interrupts: string[] }>}
   */
  resolve({ id, thread, tab, answers }) {
    const body = JSON.stringify({ id, thread, tab, answers })
    return this.#http.ask("api/interrupts/", { method: "POST", body })
  }
}
