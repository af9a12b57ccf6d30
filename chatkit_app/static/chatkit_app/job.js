/** One call of a client tool in this page: how far it is, and the running of it. */

import { toErrorText, toJson } from "./protocol.js"

/**
 * @import { ChatKitError } from "./protocol.js"
 * @import { Json, ToolCallPart } from "./types.js"
 * @import { Tool, ToolCall } from "./tools.js"
 *
 * @typedef {{ output?: Json, error?: string }} ToolAnswer one of them
 *
 * @typedef {"idle" | "prevented" | "running" | "answering" | "kept" | "over"} Phase
 *   `idle`: not begun here; `prevented`: a listener said not now; `answering`: the answer is on its
 *   way; `kept`: there is an answer that the server would not take yet; `over`: nothing more to do
 */

export class Job {
  /** @type {Phase} */
  phase = "idle"
  /** @type {"none" | "asked" | "held" | "refused"} */
  claim = "none"
  /** Counts what we asked and what we gave up: an answer to an earlier claim says nothing of now. */
  claims = 0
  /** @type {string | null} as the thread's events tell it */
  claimedBy = null
  /** A person said yes: nobody is asked again. */
  isAllowed = false
  /** @type {ToolAnswer | null} */
  answer = null
  /** @type {unknown} */
  timer = undefined
  controller = new AbortController()
  /** @type {() => void} */
  accept = () => {}
  /** @type {(error: ChatKitError) => void} */
  refuse = () => {}

  /**
   * @param {string} thread
   * @param {ToolCallPart} part
   */
  constructor(thread, part) {
    this.thread = thread
    this.id = part.id
    this.name = part.name
    /** What a person made of it is what they have approved. */
    this.input = part.editedInput ?? part.input
    /** Null: an older server's, which takes no large answers. */
    this.interrupt = part.interrupt?.id ?? null
    /** @type {ChatKitError | null} why the tool's last answer was not taken, while it may try another */
    this.refusal = null
    this.hasReturned = false
    this.#promise()
  }

  /** Let the tool, which still runs, try again with another output. @param {ChatKitError} error */
  reopen(error) {
    this.refuse(error)
    this.refusal = error
    this.answer = null
    this.phase = "running"
    this.#promise()
  }

  #promise() {
    /** @type {Promise<void>} */
    this.settled = new Promise((resolve, reject) => {
      this.accept = resolve
      this.refuse = reject
    })
    // Most tools never look at it.
    this.settled.catch(() => {})
  }

  /**
   * What the tool is told of its call.
   *
   * @param {(answer: ToolAnswer) => Promise<void>} answer
   * @returns {ToolCall}
   */
  call(answer) {
    const done = (/** @type {unknown} */ output) => answer(toAnswer(output))
    return { id: this.id, name: this.name, input: structuredClone(this.input), done }
  }

  /**
   * @param {Tool} tool
   * @param {ToolCall} call
   * @param {any} context
   * @returns {Promise<ToolAnswer>} never rejects
   */
  async run(tool, call, context) {
    const { signal } = this.controller
    try {
      return this.#returned(await tool(call.input, { context, call, signal }))
    } catch (error) {
      return { error: toErrorText(words(error)) }
    } finally {
      this.hasReturned = true
    }
  }

  /**
   * A tool that was refused and returns nothing has given up.
   *
   * @param {unknown} output
   * @returns {ToolAnswer}
   */
  #returned(output) {
    if (this.refusal && output === undefined)
      return { error: refusalText(this.refusal) }
    return toAnswer(output)
  }
}

/** @param {unknown} output @returns {ToolAnswer} */
function toAnswer(output) {
  try {
    return { output: toJson(output) }
  } catch (error) {
    return {
      error: toErrorText(`The tool's result can't be written as JSON: ${words(error)}`),
    }
  }
}

/**
 * Anything may be thrown, even what can't be made a string. That it is an error the model is told
 * anyway, so only another name than "Error" is worth the words.
 *
 * @param {unknown} error
 */
function words(error) {
  try {
    return String(error).replace(/^Error: /, "")
  } catch {
    return "unknown error"
  }
}

/** For the model: which field does not fit, where that is known. @param {ChatKitError} error */
export function refusalText({ message, errors }) {
  const wrong = errors.map(({ field, message }) => `${field || "It"}: ${message}`)
  const text = wrong.length > 0 ? wrong.join("; ") : message
  return toErrorText(`The tool's result was refused: ${text}`)
}
