/** What people do with their threads and messages apart from talking: over HTTP, each answered once. */

/**
 * @import { Http } from "./http.js"
 * @import { Message } from "./types.js"
 */

/**
 * @typedef {object} ThreadRow
 * @property {string} id
 * @property {string} assistant
 * @property {string} title empty until somebody, or the model, has given it one
 * @property {"open" | "locked" | "archived"} status
 * @property {string} createdAt
 * @property {string} lastActivityAt
 * @property {boolean} unread the assistant has said something that its owner has not seen
 * @property {{ [key: string]: unknown }} metadata
 * @property {{ id: string, status: string, errorCode: string | null } | null} run the newest
 * @property {Hit | null} [hit] of a search; null where the title alone has its words
 *
 * @typedef {object} Hit where the words of a search were said
 * @property {string} message its id
 * @property {boolean} shown or in another branch
 * @property {string} excerpt
 *
 * @typedef {object} ThreadsQuery
 * @property {string} [assistant]
 * @property {string} [search] words of its title or of what was said
 * @property {string} [status] one or more of open, locked and archived, with commas between
 * @property {boolean} [unread] only those, or only the others
 * @property {string} [cursor] `next` of the page before
 * @property {number} [size] 1 to 100
 *
 * @typedef {{ threads: ThreadRow[], next: string | null }} ThreadsPage newest activity first
 * @typedef {{ kind: "up" | "down", reasons?: readonly string[], comment?: string }} Rating
 */

export class Api {
  #http

  /** @param {Http} http */
  constructor(http) {
    this.#http = http
  }

  /**
   * @param {ThreadsQuery} [query]
   * @param {AbortSignal} [signal]
   * @returns {Promise<ThreadsPage>}
   */
  async threads({ size, ...asked } = {}, signal) {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...asked, page_size: size })) {
      if (value !== undefined && value !== "") query.set(name, String(value))
    }
    const page = await this.#http.ask(`api/threads/?${query}`, signal ? { signal } : {})
    return { threads: page.results, next: this.#http.cursorOf(page.next) }
  }

  /** @param {string} thread @param {string} title @returns {Promise<ThreadRow>} */
  rename(thread, title) {
    return this.#change(thread, { title })
  }

  /** @param {string} thread @returns {Promise<ThreadRow>} */
  archive(thread) {
    return this.#change(thread, { status: "archived" })
  }

  /** @param {string} thread @returns {Promise<ThreadRow>} */
  unarchive(thread) {
    return this.#change(thread, { status: "open" })
  }

  /**
   * Delete it; until `undoUntil` it can be taken back.
   *
   * @param {string} thread
   * @returns {Promise<{ id: string, undoUntil: string }>}
   */
  remove(thread) {
    return this.#http.ask(pathOf(thread), { method: "DELETE" })
  }

  /** Take the deletion back. @param {string} thread @returns {Promise<ThreadRow>} */
  restore(thread) {
    return this.#post(`${pathOf(thread)}restore/`)
  }

  /** Its owner has seen what is in it. @param {string} thread @returns {Promise<ThreadRow>} */
  markRead(thread) {
    return this.#post(`${pathOf(thread)}read/`)
  }

  /**
   * A message as a whole, also where the snapshot has cut it.
   *
   * @param {string} thread
   * @param {string} message
   * @returns {Promise<Message | null>}
   */
  async message(thread, message) {
    const query = new URLSearchParams({ around: message, limit: "1" })
    const { results } = await this.#http.ask(`${pathOf(thread)}messages/?${query}`)
    return results.find((/** @type {Message} */ { id }) => id === message) ?? null
  }

  /**
   * How its owner likes an answer. What was said of it before is replaced.
   *
   * @param {string} thread
   * @param {string} message
   * @param {Rating} rating
   */
  rate(thread, message, { kind, reasons = [], comment = "" }) {
    const body = JSON.stringify({ kind, reasons, comment })
    return this.#http.ask(feedbackPath(thread, message), { method: "PUT", body })
  }

  /** @param {string} thread @param {string} message */
  unrate(thread, message) {
    return this.#http.ask(feedbackPath(thread, message), { method: "DELETE" })
  }

  /**
   * @param {string} thread
   * @param {{ title?: string, status?: "open" | "archived" }} change
   */
  #change(thread, change) {
    return this.#http.ask(pathOf(thread), {
      method: "PATCH",
      body: JSON.stringify(change),
    })
  }

  /** @param {string} path */
  #post(path) {
    return this.#http.ask(path, { method: "POST", body: "{}" })
  }
}

/** @param {string} thread */
function pathOf(thread) {
  return `api/threads/${encodeURIComponent(thread)}/`
}

/** @param {string} thread @param {string} message */
function feedbackPath(thread, message) {
  return `${pathOf(thread)}messages/${encodeURIComponent(message)}/feedback/`
}
