/** What travels: frames in and out as text, their types, and what is checked on the way. */

export const PROTOCOL_VERSION = 1

/** The close codes that mean something to a client; docs/protocol.md says what. */
export const CloseCode = Object.freeze({
  SLOW: 4008,
  RESTARTING: 4012,
  BAD_FRAMES: 4400,
  NO_VIEWER: 4401,
  TOO_MANY_FRAMES: 4429,
})

/** How deep a frame may be nested, and what its texts and numbers may be: the server's limits. */
const MAX_DEPTH = 32
const FORBIDDEN_TEXT = /\0|\p{Surrogate}/u
const FORBIDDEN_TEXTS = /\0|\p{Surrogate}/gu
const MAX_WORDS_CHARS = 2_000
const MAX_ANSWERS = 50
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const MAX_TOOLS = 16
const TOOL_NAME = /^[\w-]{1,64}$/
const MAX_DESCRIPTION_CHARS = 1_000
const MAX_PARAMETERS_BYTES = 8_192

const encoder = new TextEncoder()

/**
 * @import { AnswerProblem, ClientFrame, Environment, InterruptAnswer, Json, PageTool,
 *   ServerFrame } from "./types.js"
 */

/** What was refused, and why: `code` is the stable word, `message` is for people. */
export class ChatKitError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number | null} [retryMs] when trying again makes sense
   * @param {readonly AnswerProblem[]} [errors] what is wrong with an answer (`answer_invalid`)
   */
  constructor(code, message, retryMs = null, errors = []) {
    super(message)
    this.name = "ChatKitError"
    this.code = code
    this.retryMs = retryMs
    this.errors = errors
  }
}

/**
 * What the server says that it refuses, in a frame or over HTTP.
 *
 * @param {{ code: string, message: string, retryMs?: number, errors?: AnswerProblem[] }} told
 */
export function toRefusal({ code, message, retryMs, errors }) {
  const problems = Array.isArray(errors) ? errors.filter(isObject) : []
  return new ChatKitError(code, message, retryMs, problems)
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/**
 * What each type of frame must have, so that nothing further in trips over its absence.
 *
 * @type {{ [type: string]: (frame: Record<string, unknown>) => boolean }}
 */
const shapes = {
  hello: (frame) =>
    typeof frame.viewer === "string" && Number.isInteger(frame.protocol),
  event: (frame) =>
    Number.isInteger(frame.position) &&
    isObject(frame.event) &&
    typeof frame.event.type === "string",
  position: (frame) =>
    Number.isInteger(frame.position) && typeof frame.epoch === "string",
  reset: (frame) =>
    Number.isInteger(frame.position) &&
    typeof frame.epoch === "string" &&
    isObject(frame.snapshot) &&
    Array.isArray(frame.snapshot.messages),
  accepted: (frame) => typeof frame.id === "string",
  error: (frame) => typeof frame.code === "string",
  ping: () => true,
  "threads.changed": () => true,
  "approvals.changed": () => true,
}

/**
 * @param {unknown} text
 * @returns {ServerFrame | null} null for what is no frame, or of a type that is newer than us
 */
export function decodeFrame(text) {
  /** @type {unknown} */
  let frame
  try {
    frame = JSON.parse(String(text))
  } catch {
    return null
  }
  if (!isObject(frame) || typeof frame.type !== "string") return null
  const fits = Object.hasOwn(shapes, frame.type) ? shapes[frame.type] : undefined
  return fits?.(frame)
    ? /** @type {ServerFrame} */ (/** @type {unknown} */ (frame))
    : null
}

/**
 * The frame as text. What the server would refuse is refused here: three bad frames close a socket.
 *
 * @param {ClientFrame} frame
 * @param {number} maxBytes
 * @throws {ChatKitError} `invalid_command` or `frame_too_large`
 */
export function encodeFrame(frame, maxBytes) {
  const text = JSON.stringify(frame)
  if (encoder.encode(text).length > maxBytes) {
    throw new ChatKitError("frame_too_large", `A frame may have ${maxBytes} bytes.`)
  }
  const problem = problemOf(JSON.parse(text), 0)
  if (problem !== null) throw new ChatKitError("invalid_command", problem)
  return text
}

/**
 * @param {Json} value
 * @param {number} depth
 * @returns {string | null}
 */
function problemOf(value, depth) {
  if (depth > MAX_DEPTH) return `It is nested deeper than ${MAX_DEPTH} levels.`
  if (typeof value === "string" && FORBIDDEN_TEXT.test(value)) {
    return "It has NUL or a lone surrogate in a text."
  }
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return "It has an integer beyond 2**53."
  }
  if (typeof value !== "object" || value === null) return null
  for (const [key, item] of Object.entries(value)) {
    const problem = problemOf(key, depth + 1) ?? problemOf(item, depth + 1)
    if (problem !== null) return problem
  }
  return null
}

/**
 * What the server would take for a bad frame, whatever is asked there.
 *
 * @param {readonly InterruptAnswer[]} answers
 * @throws {ChatKitError} `invalid_command`, or `interrupt_not_found` for what is no id
 */
export function checkAnswers(answers) {
  if (answers.length === 0 || answers.length > MAX_ANSWERS) {
    const text = `Between 1 and ${MAX_ANSWERS} answers go at once.`
    throw new ChatKitError("invalid_command", text)
  }
  for (const answer of answers) {
    if (!UUID.test(answer.interrupt))
      throw new ChatKitError("interrupt_not_found", "Nothing of this id is asked.")
    if ("text" in answer && answer.text.length > MAX_WORDS_CHARS) {
      const text = `A text may have ${MAX_WORDS_CHARS} characters.`
      throw new ChatKitError("invalid_command", text)
    }
  }
}

/**
 * A message with tools that the server does not take would be refused, each time.
 *
 * @param {PageTool} tool
 * @param {number} count of those that are declared already
 * @throws {TypeError}
 */
export function checkTool({ name, description, parameters }, count) {
  const bytes = encoder.encode(JSON.stringify(parameters)).length
  const problems = [
    [!TOOL_NAME.test(name), "its name has letters, digits, _ and -, up to 64"],
    [description.length > MAX_DESCRIPTION_CHARS, "its description is too long"],
    [parameters.type !== "object", 'its input is no JSON Schema of type "object"'],
    [
      bytes > MAX_PARAMETERS_BYTES,
      `its input has more than ${MAX_PARAMETERS_BYTES} bytes`,
    ],
    [count >= MAX_TOOLS, `a page may declare ${MAX_TOOLS} tools`],
  ]
  const [problem] = problems.filter(([isThere]) => isThere)
  if (problem) throw new TypeError(`The tool ${name} can't be declared: ${problem[1]}.`)
}

/**
 * Whatever a tool returned, as the JSON that will travel; `undefined` is null.
 *
 * @param {unknown} value
 * @returns {Json}
 * @throws {TypeError} A BigInt, a cycle, a function.
 */
export function toJson(value) {
  const text = JSON.stringify(value === undefined ? null : value)
  if (text === undefined) throw new TypeError(`a ${typeof value} is not JSON`)
  return JSON.parse(text)
}

/** @param {string} text of any origin @returns {string} fit for the `error` of an answer */
export function toErrorText(text) {
  const short = text.slice(0, MAX_WORDS_CHARS).replace(FORBIDDEN_TEXTS, "\ufffd")
  return short || "unknown error"
}

/**
 * A UUID (version 4). `crypto.randomUUID` does not exist on plain http.
 *
 * @param {Environment["crypto"]} crypto
 */
export function newId(crypto) {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}

/**
 * Is this the text that the server digested? Only what can be told apart is said no to: not without
 * `crypto.subtle` (plain http), without a digest, or with a lone surrogate, which UTF-8 has no word for.
 *
 * @param {Environment["crypto"]} crypto
 * @param {string} content
 * @param {string | undefined} digest hex SHA-256 of its UTF-8
 * @returns {Promise<boolean>}
 */
export async function matchesDigest(crypto, content, digest) {
  if (!crypto.subtle || !digest || /\p{Surrogate}/u.test(content)) return true
  const digesting = crypto.subtle.digest("SHA-256", encoder.encode(content))
  const hash = await digesting.catch(() => null)
  if (hash === null) return true
  const hex = Array.from(new Uint8Array(hash), (byte) =>
    byte.toString(16).padStart(2, "0"),
  )
  return hex.join("") === digest
}
