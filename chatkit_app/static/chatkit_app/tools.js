/** The tools that this page has: names and what runs them. */

import { checkTool, toJson } from "./protocol.js"

/**
 * @import { Handler, PageToolName } from "./typed.js"
 * @import { Json, PageTool } from "./types.js"
 *
 * @typedef {object} ToolCall
 * @property {string} id
 * @property {string} name
 * @property {Json} input
 * @property {(output?: unknown) => Promise<void>} done answers now, for a tool that then leaves the
 *   page; resolves when the server has the answer, rejects with a `ChatKitError` if it refuses it
 *
 * @typedef {object} ToolContext
 * @property {any} context what the client was made with; it never leaves the page
 * @property {ToolCall} call
 * @property {AbortSignal} signal aborts when nobody waits for the answer any more
 *
 * @typedef {(input: any, context: ToolContext) => unknown} Tool returns, or promises, the output
 *
 * @typedef {object} Declaration of a tool that the assistant's own code knows nothing of
 * @property {string} name letters, digits, `_` and `-`, up to 64; a tool of the assistant's wins
 * @property {string} [description] for the model, up to 1,000 characters
 * @property {{ [key: string]: unknown }} [input] JSON Schema of an object; without it: no arguments
 * @property {Tool} run
 */

/** @type {PageTool["parameters"]} */
const NO_ARGUMENTS = { type: "object", properties: {} }

/**
 * Events: `registered`, and `requested` (detail: the id of a call that a person allowed).
 *
 * @template [T=any] the tools by name, as `manage.py chatkit_types` writes them
 */
export class Tools extends EventTarget {
  /** @type {Map<string, Tool>} */
  #tools = new Map()
  /** @type {Map<string, PageTool>} */
  #declared = new Map()

  /**
   * Calls that wait for this name are run at once.
   *
   * @template {PageToolName<T>} N
   * @param {N} name as the assistant knows it
   * @param {Handler<T[N], N>} tool
   * @returns {() => void} takes it back; a call that runs goes on
   */
  register(name, tool) {
    return this.#add(name, /** @type {Tool} */ (/** @type {unknown} */ (tool)))
  }

  /**
   * @param {string} name
   * @param {Tool} tool
   */
  #add(name, tool) {
    if (typeof tool !== "function")
      throw new TypeError(`The tool ${name} is no function.`)
    if (this.#tools.has(name))
      throw new Error(`The tool ${name} is registered already.`)
    this.#tools.set(name, tool)
    this.dispatchEvent(new Event("registered"))
    return () => {
      if (this.#tools.get(name) === tool) this.#tools.delete(name)
    }
  }

  /**
   * The model is told of it with each message that is sent from now on, where the assistant allows
   * pages to bring tools of their own; elsewhere such a message is refused.
   *
   * @param {Declaration} declaration
   * @returns {() => void} takes it back; a call that runs goes on
   */
  declare({ name, description = "", input = NO_ARGUMENTS, run }) {
    const parameters = /** @type {PageTool["parameters"]} */ (toJson(input))
    const tool = { name, description, parameters }
    checkTool(tool, this.#declared.size)
    const unregister = this.#add(name, run)
    this.#declared.set(name, tool)
    return () => {
      unregister()
      if (this.#declared.get(name) === tool) this.#declared.delete(name)
    }
  }

  /** As the server is told of them. */
  get declared() {
    return [...this.#declared.values()]
  }

  /** @param {string} name */
  has(name) {
    return this.#tools.has(name)
  }

  /** @param {string} name */
  get(name) {
    return this.#tools.get(name)
  }

  /**
   * Run a call that was kept open by `preventDefault` of its "toolcall" event.
   *
   * @param {string} id of the call
   */
  run(id) {
    this.dispatchEvent(new CustomEvent("requested", { detail: id }))
  }
}
