// How the connection stands, in words: pure functions of what the client knows.

import { errorWords } from "./element-strings.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {Pick<ClientShape, "state" | "error" | "viewer">} Line */

/** A line that is back so soon was never gone, as far as people are concerned. */
const CALM_MS = 1_000

/** Remembers since when there is no line, so that nobody is told of what is over in a moment. */
export class Calm {
  #changed
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined
  #isOver = false

  /** @param {() => void} changed the moment is over */
  constructor(changed) {
    this.#changed = changed
  }

  /**
   * Shall it be left unsaid that there is no line?
   *
   * @param {Line} line
   */
  isCalm(line) {
    const isPassing = line.state === "connecting" || line.state === "reconnecting"
    if (!isPassing || canReconnect(line)) {
      this.#reset()
      return false
    }
    this.#timer ??= setTimeout(() => {
      this.#isOver = true
      this.#changed()
    }, CALM_MS)
    return !this.#isOver
  }

  #reset() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isOver = false
  }
}

/** What is shown of the connection, and said of it to who cannot see it: each thing once. */
export class LineTold {
  #calm
  #trouble = ""

  /** @param {() => void} changed there is something else to be said */
  constructor(changed) {
    this.#calm = new Calm(changed)
  }

  /**
   * @param {Words} words
   * @param {ClientShape} client
   * @param {(text: string) => void} say
   * @returns {string} what is shown; empty where there is nothing
   */
  follow(words, client, say) {
    if (this.#calm.isCalm(client)) return ""
    const text = connectionWords(words, client)
    if (text === this.#trouble || text === words("connecting")) return text
    if (text !== "") say(text)
    else if (client.state === "open") say(words("connected"))
    else return text
    this.#trouble = text
    return text
  }
}

/**
 * What is shown of the connection; empty where there is nothing to say.
 *
 * @param {Words} words
 * @param {Line} line
 */
export function connectionWords(words, line) {
  const { state, error, viewer } = line
  if (canReconnect(line)) {
    const isOurs = error?.code === "no_viewer" || error?.code === "unreachable"
    const code = isOurs ? codeFor(error.code, viewer) : null
    return errorWords(words, code, words("closed"))
  }
  return state === "connecting" || state === "reconnecting" ? words(state) : ""
}

/**
 * Is it for a person to try again? Where nobody is reached it goes on by itself, but slowly.
 *
 * @param {Line} line
 */
export function canReconnect({ state, error }) {
  if (state === "closed") return error !== null
  return state !== "open" && error?.code === "unreachable"
}

/**
 * Nobody at the door means something else to somebody who had been let in as a user.
 *
 * @param {string} code of an error
 * @param {string | null} viewer as last known
 */
export function codeFor(code, viewer) {
  return code === "no_viewer" && viewer?.startsWith("u:") ? "signed_out" : code
}

/** Beyond it nobody counts seconds. */
const LONGEST_WAIT_MS = 600_000

/**
 * Why something was refused, and when it may be tried again.
 *
 * @param {Words} words
 * @param {unknown} error with `code`, `message` and `retryMs` where they are known
 * @param {string | null} viewer
 * @param {"refused" | "notDone"} [frame] of a message, or of anything else
 */
export function refusalWords(words, error, viewer, frame = "refused") {
  const {
    code = "",
    message = "",
    retryMs = null,
  } = /** @type {{ code?: string, message?: string, retryMs?: number | null }} */ (
    error ?? {}
  )
  const reason = errorWords(
    words,
    codeFor(code, viewer),
    message || words("errorUnknown"),
  )
  const refused = words(frame, { reason })
  // Seconds are for what is over soon; the reason says when a day or a month is meant.
  if (!retryMs || retryMs > LONGEST_WAIT_MS) return refused
  const seconds = Math.ceil(retryMs / 1000)
  return `${refused} ${words("refusedAgain", { seconds })}`
}
