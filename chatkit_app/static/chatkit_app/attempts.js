/** What a connection counts, until it says that more of the same will not help. */

/** So many sockets in a row that end before they say anything: nobody is there to speak. */
const UNANSWERED = 3
/** A viewer may change, and change back; a site whose cookie never arrives must not be asked for ever. */
const VISITORS = 3
const VISITORS_MS = 60_000

/** What a developer who has just set it up has most likely forgotten. */
export const LIKELY_CAUSES =
  "Does ASGI_APPLICATION route WebSockets to chatkit_app (ProtocolTypeRouter in asgi.py)? " +
  "Is it mounted where this address says? " +
  "Does the server speak WebSocket (daphne in INSTALLED_APPS for runserver; not WSGI)? " +
  "Is the page's origin in ALLOWED_HOSTS?"

export class Attempts {
  #unanswered = 0
  #isAskingForVisitor = false
  /** @type {number[]} when a visitor was asked for */
  #visitors = []

  get isUnreachable() {
    return this.#unanswered >= UNANSWERED
  }

  /** @returns {boolean} is it unreachable since now? */
  unanswered() {
    this.#unanswered += 1
    return this.#unanswered === UNANSWERED
  }

  greeted() {
    this.#unanswered = 0
    this.#isAskingForVisitor = false
  }

  /**
   * @param {number} now milliseconds
   * @returns {boolean} false: it has been asked for, and that did not help
   */
  askForVisitor(now) {
    this.#visitors = this.#visitors.filter((at) => now - at < VISITORS_MS)
    if (this.#isAskingForVisitor || this.#visitors.length >= VISITORS) return false
    this.#isAskingForVisitor = true
    this.#visitors.push(now)
    return true
  }

  /** The question did not get through: it does not count. */
  visitorNotAsked() {
    this.#isAskingForVisitor = false
    this.#visitors.pop()
  }
}
