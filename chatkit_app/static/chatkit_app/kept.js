/** What was written and is not taken yet, kept where a reload finds it: one tab's own storage. */

/** @import { Environment } from "./types.js" */

/**
 * @typedef {object} KeptMessage
 * @property {string} id of the command; the server does it once
 * @property {string} chat the writing that it belongs to, while that has no thread yet
 * @property {string | null} thread as it is, or will be, asked
 * @property {string} assistant
 * @property {string} text
 * @property {string[]} [attachments] the ids of its files
 * @property {string | null} viewer who wrote it, as far as was known
 * @property {number} at milliseconds of the calendar
 */

/** What was left lying for so long is not sent without asking: it comes back as refused. */
const DAY_MS = 86_400_000
/** A storage has 5 MB for the whole site. */
const MOST_MESSAGES = 20
const MOST_CHARS = 300_000

export class KeptMessages {
  #key
  #env

  /**
   * @param {URL} mount
   * @param {string} assistant
   * @param {Environment} env
   */
  constructor(mount, assistant, env) {
    this.#key = `chatkit:${mount.pathname}:${assistant}:unsent`
    this.#env = env
  }

  /** Oldest first. @returns {KeptMessage[]} */
  list() {
    try {
      const kept = JSON.parse(this.#env.storage()?.getItem(this.#key) ?? "[]")
      return Array.isArray(kept) ? kept.filter(isMessage) : []
    } catch {
      return [] // forbidden, or spoiled by somebody else
    }
  }

  /** Under its id; beyond what a storage should hold, it is kept in memory alone. @param {KeptMessage} message */
  put(message) {
    const kept = this.list()
    const place = kept.findIndex(({ id }) => id === message.id)
    if (place >= 0) kept[place] = message
    else kept.push(message)
    const text = JSON.stringify(kept)
    if (kept.length <= MOST_MESSAGES && text.length <= MOST_CHARS) this.#write(text)
  }

  /** @param {string} id */
  remove(id) {
    const kept = this.list()
    const left = kept.filter((message) => message.id !== id)
    if (left.length < kept.length)
      this.#write(left.length ? JSON.stringify(left) : null)
  }

  /** A clock that was set back makes nothing old. @param {KeptMessage} message */
  isOld({ at }) {
    return this.#env.date() - at > DAY_MS
  }

  /** @param {string | null} text */
  #write(text) {
    try {
      const storage = this.#env.storage()
      if (text === null) storage?.removeItem(this.#key)
      else storage?.setItem(this.#key, text)
    } catch {
      // Forbidden or full: it is in memory still.
    }
  }
}

/** @param {any} value @returns {value is KeptMessage} */
function isMessage(value) {
  const isText = (/** @type {string} */ name) => typeof value[name] === "string"
  return (
    typeof value === "object" &&
    value !== null &&
    ["id", "chat", "assistant", "text"].every(isText) &&
    (value.thread === null || isText("thread")) &&
    (value.viewer === null || isText("viewer")) &&
    (value.attachments === undefined || Array.isArray(value.attachments)) &&
    typeof value.at === "number"
  )
}
