/** The tools that this page has: names and what runs them. */

/**
 * @import { Json } from "./types.js"
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
 */

/** Events: `registered`, and `requested` (detail: the id of a call that a person allowed). */
export class Tools extends EventTarget {
  /** @type {Map<string, Tool>} */
  #tools = new Map()

  /**
   * Calls that wait for this name are run at once.
   *
   * @param {string} name as the assistant knows it
   * @param {Tool} tool
   * @returns {() => void} takes it back; a call that runs goes on
   */
  register(name, tool) {
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
