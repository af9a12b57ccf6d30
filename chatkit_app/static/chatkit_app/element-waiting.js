// Above the composer: how many things wait for the visitor's answer, and the way to the first.

import { h, setText } from "./element-dom.js"
import { isStaffs, isVisitors } from "./element-tool-words.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./types.js").Interrupt} Interrupt */

/** The id of what a new message does to what waits: the composer's field is described by it. */
export const HINT_ID = "waiting-hint"

/**
 * @param {Words} words
 * @param {readonly Interrupt[]} interrupts the open ones
 * @returns {{ text: string, hint: string }} empty texts where nobody is waited for
 */
export function waitingWords(words, interrupts) {
  const count = interrupts.filter(isVisitors).length
  if (count === 0) return { text: "", hint: "" }
  const isOne = count === 1
  const text = isOne ? words("waitingOne") : words("waitingMany", { count })
  // While staff have to decide, a new message is refused and withdraws nothing.
  if (interrupts.some(isStaffs)) return { text, hint: "" }
  return { text, hint: words(isOne ? "waitingHint" : "waitingHintMany") }
}

export class WaitingBar {
  #words
  #text = h("strong")
  #hint = h("span", { id: HINT_ID })

  /**
   * @param {Words} words
   * @param {() => void} show
   */
  constructor(words, show) {
    this.#words = words
    this.element = h(
      "div",
      { class: "waiting", part: "waiting", hidden: true },
      h("p", {}, this.#text, " ", this.#hint),
      h("button", { type: "button", onclick: show }, words("waitingShow")),
    )
  }

  /** @param {readonly Interrupt[]} interrupts */
  update(interrupts) {
    const { text, hint } = waitingWords(this.#words, interrupts)
    this.element.hidden = text === ""
    setText(this.#text, text)
    setText(this.#hint, hint)
  }
}
