// One's own message, written anew in its place: what it was is kept beside it.

import { h, isDisabled, setAttribute, setBusy, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */

/**
 * @typedef {object} EditingHost
 * @property {(text: string) => Promise<void>} send rejects where it is refused
 * @property {() => void} cancelled
 * @property {(error: unknown) => string} problem
 */

export class EditingView {
  #host
  #grow = h("div", { class: "grow" })
  #field
  #send
  #problem = h("p", { class: "action-note", role: "alert", hidden: true })
  #before = ""

  /**
   * @param {Words} words
   * @param {EditingHost} host
   */
  constructor(words, host) {
    this.#host = host
    this.#field = h("textarea", { rows: 1, dir: "auto", oninput: () => this.#typed() })
    this.#field.setAttribute("aria-label", words("editLabel"))
    this.#grow.append(this.#field)
    this.#send = h("button", { type: "submit", class: "answer-button primary" })
    setText(this.#send, words("send"))
    const cancel = h(
      "button",
      { type: "button", class: "answer-button" },
      words("cancel"),
    )
    cancel.addEventListener("click", () => host.cancelled())
    this.element = h(
      "form",
      { class: "editing", novalidate: true },
      this.#grow,
      h("p", { class: "editing-hint" }, words("editHint")),
      this.#problem,
      h("div", { class: "asking-actions" }, this.#send, cancel),
    )
    this.element.addEventListener("submit", (event) => {
      event.preventDefault()
      void this.#submit()
    })
    this.element.addEventListener("keydown", (event) => this.#pressed(event))
  }

  /** @param {string} text what stands there now */
  begin(text) {
    this.#before = text
    this.#field.value = text
    this.#typed()
    this.#field.focus({ preventScroll: true })
    this.element.scrollIntoView({ block: "nearest" })
  }

  #typed() {
    // The copy behind the field gives the box its height, as in the composer.
    this.#grow.dataset.text = this.#field.value
    const isEmpty = this.#field.value.trim() === ""
    setAttribute(this.#send, "aria-disabled", isEmpty ? "true" : null)
  }

  async #submit() {
    const text = this.#field.value.trim()
    if (isDisabled(this.#send)) return
    if (text === this.#before.trim()) return this.#host.cancelled()
    setBusy(this.#send, true)
    this.#field.readOnly = true
    this.#tell("")
    try {
      await this.#host.send(text)
    } catch (error) {
      this.#tell(this.#host.problem(error))
    } finally {
      setBusy(this.#send, false)
      this.#field.readOnly = false
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing || event.keyCode === 229) return
    const isSent =
      event.key === "Enter" && !event.shiftKey && event.target === this.#field
    if (!isSent && event.key !== "Escape") return
    event.preventDefault()
    event.stopPropagation()
    if (isSent) void this.#submit()
    else this.#host.cancelled()
  }

  /** @param {string} text */
  #tell(text) {
    this.#problem.hidden = text === ""
    setText(this.#problem, text)
  }
}
