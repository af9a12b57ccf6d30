// What was wrong with an answer: asked after a thumb that points down, and not insisted on.

import { h, hasFocus, isDisabled, setBusy, setText } from "./element-dom.js"

/** @typedef {import("./api.js").Rating} Rating */
/** @typedef {import("./element-strings.js").Words} Words */

/**
 * @typedef {object} FeedbackHost
 * @property {(rating: Rating) => Promise<void>} send rejects where it is refused
 * @property {(error: unknown) => string} problem
 * @property {() => void} closed it had the focus
 * @property {(text: string) => void} thanked
 */

/** By the name that is stored: what is asked. */
const REASONS = Object.freeze({
  incorrect: "reasonIncorrect",
  incomplete: "reasonIncomplete",
  misunderstood: "reasonMisunderstood",
  unclear: "reasonUnclear",
  inappropriate: "reasonInappropriate",
})

const COMMENT_LENGTH = 2_000

export class FeedbackForm {
  #words
  #host
  #boxes
  #comment
  #send
  #problem = h("p", { class: "action-note", role: "alert", hidden: true })

  /**
   * @param {Words} words
   * @param {FeedbackHost} host
   */
  constructor(words, host) {
    this.#words = words
    this.#host = host
    this.#boxes = Object.entries(REASONS).map(([value, name]) => {
      const box = h("input", { type: "checkbox", value })
      return {
        box,
        label: h("label", { class: "reason" }, box, h("span", {}, words(name))),
      }
    })
    this.#comment = h("textarea", { rows: 2, dir: "auto", maxlength: COMMENT_LENGTH })
    this.#comment.placeholder = words("feedbackComment")
    this.#comment.setAttribute("aria-label", words("feedbackComment"))
    this.#send = h("button", { type: "submit", class: "answer-button primary" })
    setText(this.#send, words("feedbackSend"))
    const skip = h(
      "button",
      { type: "button", class: "answer-button" },
      words("feedbackSkip"),
    )
    skip.addEventListener("click", () => this.close())
    this.element = h(
      "form",
      { class: "feedback", part: "feedback", novalidate: true, hidden: true },
      h(
        "fieldset",
        {},
        h("legend", {}, words("feedbackAsk")),
        h("div", { class: "reasons" }, ...this.#boxes.map(({ label }) => label)),
      ),
      this.#comment,
      this.#problem,
      h("div", { class: "asking-actions" }, this.#send, skip),
    )
    this.element.addEventListener("submit", (event) => this.#submitted(event))
    this.element.addEventListener("keydown", (event) => this.#pressed(event))
  }

  open() {
    this.element.hidden = false
    this.#boxes[0]?.box.focus()
    this.element.scrollIntoView({ block: "nearest" })
  }

  close() {
    if (this.element.hidden) return
    const isFocused = hasFocus(this.element)
    this.element.hidden = true
    this.element.reset()
    this.#tell("")
    if (isFocused) this.#host.closed()
  }

  /** @param {SubmitEvent} event */
  async #submitted(event) {
    event.preventDefault()
    if (isDisabled(this.#send)) return
    const chosen = this.#boxes.filter(({ box }) => box.checked)
    const reasons = chosen.map(({ box }) => box.value)
    const comment = this.#comment.value.trim()
    setBusy(this.#send, true)
    this.#tell("")
    try {
      if (reasons.length > 0 || comment)
        await this.#host.send({ kind: "down", reasons, comment })
      this.close()
      this.#host.thanked(this.#words("rateThanks"))
    } catch (error) {
      this.#tell(this.#host.problem(error))
    } finally {
      setBusy(this.#send, false)
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing || event.key !== "Escape") return
    event.preventDefault()
    event.stopPropagation()
    this.close()
  }

  /** @param {string} text */
  #tell(text) {
    this.#problem.hidden = text === ""
    setText(this.#problem, text)
  }
}
