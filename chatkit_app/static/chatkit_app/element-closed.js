// Above the composer: that this thread takes no messages, and how it does again.

import { h, isDisabled, setBusy, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */

export class ClosedBar {
  #words
  #text = h("p", { role: "status" })
  #button

  /**
   * @param {Words} words
   * @param {() => Promise<void>} unarchive rejects where it is refused
   * @param {(error: unknown) => string} problem
   */
  constructor(words, unarchive, problem) {
    this.#words = words
    this.#button = h("button", { type: "button" }, words("unarchive"))
    this.#button.addEventListener("click", async () => {
      if (isDisabled(this.#button)) return
      setBusy(this.#button, true)
      try {
        await unarchive()
      } catch (error) {
        setText(this.#text, problem(error))
      } finally {
        setBusy(this.#button, false)
      }
    })
    this.element = h("div", { class: "closed", hidden: true }, this.#text, this.#button)
  }

  /** @param {{ status: string } | null} thread */
  update(thread) {
    const status = thread?.status ?? "open"
    this.element.hidden = status === "open"
    this.#button.hidden = status !== "archived"
    if (this.element.dataset.status === status) return
    this.element.dataset.status = status
    const isArchived = status === "archived"
    setText(this.#text, this.#words(isArchived ? "closedArchived" : "closedLocked"))
  }
}
