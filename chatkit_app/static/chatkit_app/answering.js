/** The ways to answer what is asked of the outside, each by its own verb. */

import { Watching } from "./watching.js"

/**
 * @import { InterruptAnswer, Json } from "./types.js"
 * @import { Resolved } from "./interrupts.js"
 */

/** @abstract */
export class Answering extends Watching {
  /**
   * @abstract
   * @param {InterruptAnswer | readonly InterruptAnswer[]} _answers
   * @returns {Promise<Resolved>}
   */
  resolve(_answers) {
    throw new TypeError("Whoever is answered says how.")
  }

  /**
   * Let a call run.
   *
   * @param {string} interrupt
   * @param {{ input?: object }} [edited] run it with this, which is JSON, instead of what the model has asked for
   */
  approve(interrupt, { input } = {}) {
    return this.resolve(
      input === undefined
        ? { interrupt, decision: "approve" }
        : { interrupt, decision: "edit", input: /** @type {Json} */ (input) },
    )
  }

  /** The call shall not run. @param {string} interrupt @param {string} [reason] told to the model */
  deny(interrupt, reason = "") {
    return this.resolve({ interrupt, decision: "deny", text: reason })
  }

  /** Instead of the call, words for the model. @param {string} interrupt @param {string} text */
  respond(interrupt, text) {
    return this.resolve({ interrupt, decision: "respond", text })
  }

  /**
   * Answer a question.
   *
   * @param {string} interrupt
   * @param {Json} output as its schema has it, or a form's fields: text, or a list of texts
   */
  answer(interrupt, output) {
    return this.resolve({ interrupt, decision: "answer", output })
  }

  /** Leave a question without an answer; the tool goes on. @param {string} interrupt */
  skip(interrupt) {
    return this.resolve({ interrupt, decision: "skip" })
  }
}
