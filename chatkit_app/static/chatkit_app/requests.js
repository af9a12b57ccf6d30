/** What goes over HTTP: becoming a visitor, the list of threads, older messages. */

import { ChatKitError } from "./protocol.js"

/** @import { Environment, Message } from "./types.js" */

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
  #mount
  #csrfToken
  #env

  /**
   * @param {object} options
   * @param {URL} options.mount with a slash at its end
   * @param {string} options.csrfToken
   * @param {Environment} options.env
   */
  constructor({ mount, csrfToken, env }) {
    this.#mount = mount
    this.#csrfToken = csrfToken
    this.#env = env
  }

  /** Make the anonymous visitor, whom the site then knows by its own cookie. */
  async makeVisitor() {
    try {
      await this.#ask("visitor/", { method: "POST", body: "{}" })
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
    const page = await this.#ask(`api/threads/?${query}`)
    // Behind a proxy the server may not know its own address: only the cursor is taken from it.
    const next = page.next
      ? new URL(page.next, this.#mount).searchParams.get("cursor")
      : null
    return { threads: page.results, next }
  }

  /**
   * @param {string} thread
   * @param {string} before the id of a message
   * @returns {Promise<MessagePage>}
   */
  earlier(thread, before) {
    const query = new URLSearchParams({ before })
    return this.#ask(`api/threads/${encodeURIComponent(thread)}/messages/?${query}`)
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   * @returns {Promise<any>} the answer's JSON
   * @throws {ChatKitError} `unreachable`, `bad_response`, the answer's own code, or `http_<status>`
   */
  async #ask(path, options = {}) {
    const response = await this.#fetch(path, options)
    const body = await response.json().catch(() => null)
    if (response.ok && body !== null) return body
    if (response.ok) throw new ChatKitError("bad_response", "The answer is not JSON.")
    const message = body?.message ?? body?.detail ?? `HTTP status ${response.status}`
    throw new ChatKitError(body?.code ?? `http_${response.status}`, String(message))
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  async #fetch(path, options) {
    const headers = {
      Accept: "application/json",
      "Content-Type": "application/json",
      ...(this.#csrfToken ? { "X-CSRFToken": this.#csrfToken } : {}),
    }
    try {
      const url = new URL(path, this.#mount)
      return await this.#env.fetch(url, {
        credentials: "same-origin",
        headers,
        ...options,
      })
    } catch (error) {
      throw new ChatKitError("unreachable", String(error))
    }
  }
}
