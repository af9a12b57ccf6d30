// What is wrong with the fields of a form: said at each of them, and heard with it.

import { h, setAttribute } from "./element-dom.js"

/** @typedef {{ control: HTMLElement, note: HTMLElement, described: string | null }} Mark */

export class FieldErrors {
  #prefix
  /** @type {Mark[]} */
  #marks = []

  /** @param {string} prefix of the notes' ids */
  constructor(prefix) {
    this.#prefix = prefix
  }

  get isEmpty() {
    return this.#marks.length === 0
  }

  /**
   * @param {HTMLElement} control
   * @param {HTMLElement} box where the words are put, at its end
   * @param {string} text
   */
  mark(control, box, text) {
    const known = this.#marks.find((mark) => mark.control === control)
    if (known) return known.note.append(` ${text}`)
    const id = `${this.#prefix}-problem-${this.#marks.length}`
    const note = h("p", { class: "field-problem", id, dir: "auto" }, text)
    const described = control.getAttribute("aria-describedby")
    this.#marks.push({ control, note, described })
    setAttribute(control, "aria-invalid", "true")
    setAttribute(control, "aria-describedby", [described, id].filter(Boolean).join(" "))
    box.append(note)
  }

  clear() {
    for (const { control, note, described } of this.#marks) {
      note.remove()
      setAttribute(control, "aria-invalid", null)
      setAttribute(control, "aria-describedby", described)
    }
    this.#marks = []
  }

  /** The topmost, in whatever order they were told. */
  focusFirst() {
    const [first] = this.#marks
      .map(({ control }) => control)
      .sort((one, other) =>
        one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1,
      )
    first?.focus()
  }
}
