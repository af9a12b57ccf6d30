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
 * @property {boolean} pinned its owner keeps it at the top
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
 * @property {boolean} [pinned] only those, or only the others
 * @property {string} [cursor] `next` of the page before
 * @property {number} [size] 1 to 100
 *
 * @typedef {{ threads: ThreadRow[], next: string | null }} ThreadsPage newest activity first
 * @typedef {object} ShareRow a link by which a thread can be read up to `message`
 * @property {string} id
 * @property {string} message
 * @property {string} createdAt
 * @property {string} expiresAt
 * @property {string | null} revokedAt
 *
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

  /** Keep it at the top. @param {string} thread @returns {Promise<ThreadRow>} */
  pin(thread) {
    return this.#change(thread, { pinned: true })
  }

  /** @param {string} thread @returns {Promise<ThreadRow>} */
  unpin(thread) {
    return this.#change(thread, { pinned: false })
  }

  /**
   * A new thread that begins as this one, down to a message that is shown.
   *
   * @param {string} thread
   * @param {string} message
   * @param {{ title?: string, externalId?: string }} [options] the same `externalId` makes one thread
   * @returns {Promise<ThreadRow>}
   */
  fork(thread, message, options = {}) {
    const path = `${messagePath(thread, message)}fork/`
    return this.#http.ask(path, { method: "POST", body: JSON.stringify(options) })
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

  /** The links of a thread that are good. @param {string} thread @returns {Promise<ShareRow[]>} */
  async shares(thread) {
    const { results } = await this.#http.ask(
      `${sharesPath(thread)}?live=true&page_size=100`,
    )
    return results
  }

  /**
   * A link for what is in the thread now. `url`, a path, and `token` are told here alone.
   *
   * @param {string} thread
   * @param {{ days?: number }} [options] as many as the site allows, where it isn't said
   * @returns {Promise<ShareRow & { url: string, token: string }>}
   */
  share(thread, { days } = {}) {
    const body = JSON.stringify(days === undefined ? {} : { days })
    return this.#http.ask(sharesPath(thread), { method: "POST", body })
  }

  /** @param {string} thread @param {string} share its id */
  revokeShare(thread, share) {
    const path = `${sharesPath(thread)}${encodeURIComponent(share)}/`
    return this.#http.ask(path, { method: "DELETE" })
  }

  /**
   * @param {string} thread
   * @param {{ title?: string, status?: "open" | "archived", pinned?: boolean }} change
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

/** @param {string} thread */
function sharesPath(thread) {
  return `${pathOf(thread)}shares/`
}

/** @param {string} thread @param {string} message */
function messagePath(thread, message) {
  return `${pathOf(thread)}messages/${encodeURIComponent(message)}/`
}

/** @param {string} thread @param {string} message */
function feedbackPath(thread, message) {
  return `${messagePath(thread, message)}feedback/`
}
