/** What is asked of the outside: what is open, and the answers that are on their way. */

import { ChatKitError, checkAnswers, newId, toJson } from "./protocol.js"

/**
 * @import { AcceptedFrame, Environment, InterruptAnswer, Message, OpenInterrupt, Part } from "./types.js"
 * @import { ResolveCommand } from "./delivery.js"
 *
 * @typedef {{ thread: string, interrupts: string[] }} Resolved
 *
 * @typedef {object} Asked
 * @property {readonly string[]} ids of the interrupts that it answers
 * @property {boolean} isAccepted the events that close them may still be to come
 */

/** What has not changed stays identical. @type {WeakMap<readonly Message[], readonly OpenInterrupt[]>} */
const lists = new WeakMap()
/** @type {WeakMap<Part, OpenInterrupt>} */
const known = new WeakMap()

/**
 * The open ones, in the order of their calls.
 *
 * @param {readonly Message[]} messages
 * @returns {readonly OpenInterrupt[]}
 */
export function openInterrupts(messages) {
  const list =
    lists.get(messages) ??
    messages.flatMap(({ parts }) => parts.map(openInterrupt).filter(isThere))
  lists.set(messages, list)
  return list
}

/** @param {Part} part @returns {OpenInterrupt | null} */
function openInterrupt(part) {
  if (part.type !== "tool-call" || part.interrupt === null) return null
  const open = known.get(part) ?? { ...part.interrupt, toolCall: part }
  known.set(part, open)
  return open
}

/** @param {OpenInterrupt | null} open @returns {open is OpenInterrupt} */
function isThere(open) {
  return open !== null
}

/** Event: `change` (of what is being resolved). */
export class Resolving extends EventTarget {
  /** @type {Set<Asked>} */
  #asked = new Set()
  #resolve
  #tab
  #env

  /**
   * @param {object} options
   * @param {(command: ResolveCommand) => Promise<AcceptedFrame>} options.resolve
   * @param {string} options.tab
   * @param {Environment} options.env
   */
  constructor({ resolve, tab, env }) {
    super()
    this.#resolve = resolve
    this.#tab = tab
    this.#env = env
  }

  /** From the asking until the thread shows it, or until it is refused. @param {string} id */
  has(id) {
    return [...this.#asked].some(({ ids }) => ids.includes(id))
  }

  /**
   * @param {string | null} thread
   * @param {readonly InterruptAnswer[]} answers
   * @returns {Promise<Resolved>}
   */
  async ask(thread, answers) {
    const command = this.#command(thread, answers)
    const asked = {
      ids: command.answers.map(({ interrupt }) => interrupt),
      isAccepted: false,
    }
    this.#asked.add(asked)
    this.#changed()
    try {
      const { interrupts = [] } = await this.#resolve(command)
      asked.isAccepted = true
      return { thread: command.thread, interrupts }
    } catch (error) {
      this.#asked.delete(asked)
      throw error
    } finally {
      this.#changed()
    }
  }

  /**
   * The thread has moved on: what is closed is not being resolved any more.
   *
   * @param {readonly Message[]} messages
   */
  settle(messages) {
    if (this.#asked.size === 0) return
    const open = new Set(openInterrupts(messages).map(({ id }) => id))
    for (const asked of this.#asked) {
      if (asked.isAccepted && !asked.ids.some((id) => open.has(id)))
        this.#asked.delete(asked)
    }
  }

  /**
   * @param {string | null} thread
   * @param {readonly InterruptAnswer[]} answers
   * @returns {ResolveCommand}
   */
  #command(thread, answers) {
    if (thread === null)
      throw new ChatKitError("interrupt_not_found", "No thread is open.")
    checkAnswers(answers)
    const id = newId(this.#env.crypto)
    return { type: "resolve", id, thread, tab: this.#tab, answers: written(answers) }
  }

  #changed() {
    this.dispatchEvent(new Event("change"))
  }
}

/**
 * As they are now: the page may go on with the objects that it has handed over.
 *
 * @param {readonly InterruptAnswer[]} answers
 */
function written(answers) {
  // JSON has no undefined: that is no output, not no answer.
  const whole = answers.map((answer) =>
    answer.decision === "answer"
      ? { ...answer, output: answer.output ?? null }
      : answer,
  )
  try {
    return /** @type {InterruptAnswer[]} */ (toJson(whole))
  } catch (error) {
    const text = `It can't be written as JSON: ${String(error)}`
    throw new ChatKitError("invalid_command", text)
  }
}
