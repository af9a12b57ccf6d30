// The card of a tool call: its name, where it stands, its progress, input and result to unfold.

import { h, ICONS, icon, setAttribute, setText } from "./element-dom.js"
import { prettyJson, toolPhase, toolTitle } from "./element-tool-words.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-tool-words.js").ToolPhase} ToolPhase */
/** @typedef {import("./types.js").ToolCallPart} ToolCallPart */
/** @typedef {import("./types.js").ToolResultPart} ToolResultPart */

/** @type {Readonly<Record<ToolPhase["tone"], string | null>>} */
const TONE_ICONS = Object.freeze({
  busy: null, // the style sheet draws a wheel
  waiting: ICONS.waiting,
  attention: ICONS.failed,
  done: ICONS.done,
  failed: ICONS.failed,
  cancelled: ICONS.cancelled,
})

export class ToolCallView {
  #words
  #mark = h("span", { class: "tool-mark", "aria-hidden": "true" })
  #title = h("span", { class: "tool-title" })
  #state = h("span", { class: "tool-state" })
  #progress = h("div", { class: "tool-progress", hidden: true })
  #progressText = h("span")
  #bar = h("progress", { max: 1 })
  #hint = h("p", { class: "tool-hint", hidden: true })
  #body = h("div", { class: "tool-body" })
  #input
  #output
  #tone = ""

  /** @param {Words} words */
  constructor(words) {
    this.#words = words
    this.#input = new Unfolded(words("input"))
    this.#output = new Unfolded(words("output"))
    const summary = h(
      "summary",
      {},
      this.#mark,
      h("span", { class: "tool-head" }, this.#title, " ", this.#state),
      h("span", { class: "tool-chevron" }, icon(ICONS.chevron)),
    )
    this.#progress.append(this.#progressText, this.#bar)
    this.#body.append(this.#input.element, this.#output.element)
    this.element = h(
      "div",
      { class: "tool", part: "tool-call" },
      h("details", {}, summary, this.#body),
      this.#progress,
      this.#hint,
    )
  }

  /**
   * @param {ToolCallPart} part
   * @param {{ result: ToolResultPart | null, hasHandler: boolean, tab: string | null }} page
   */
  update(part, page) {
    const phase = toolPhase(part, page)
    setAttribute(this.element, "data-tool", part.name)
    setAttribute(this.element, "data-tone", phase.tone)
    setAttribute(this.element, "data-state", phase.words)
    setText(this.#title, this.#titleOf(part.name))
    setAttribute(this.#title, "title", part.name)
    setText(this.#state, this.#words(phase.words))
    this.#drawMark(phase.tone)
    this.#drawProgress(part, phase)
    this.#hint.hidden = phase.words !== "toolNoHandler"
    setText(this.#hint, this.#hint.hidden ? "" : this.#words("toolNoHandlerHint"))
    this.#input.update(part.input == null ? part.arguments : part.input, false)
    const { result } = page
    this.#output.update(
      result?.error?.text ?? result?.content ?? "",
      result?.state === "error",
    )
  }

  /** A site may name its tools in its table of words: `tool.order_status`. @param {string} name */
  #titleOf(name) {
    const named = this.#words(`tool.${name}`)
    return named === `tool.${name}` ? toolTitle(name) : named
  }

  /** @param {ToolPhase["tone"]} tone */
  #drawMark(tone) {
    if (tone === this.#tone) return
    this.#tone = tone
    const path = TONE_ICONS[tone]
    this.#mark.replaceChildren(...(path ? [icon(path)] : []))
  }

  /**
   * @param {ToolCallPart} part
   * @param {ToolPhase} phase
   */
  #drawProgress(part, phase) {
    this.#progress.hidden = phase.tone !== "busy" || !part.progress
    if (this.#progress.hidden || !part.progress) return
    const { text, fraction } = part.progress
    setText(this.#progressText, text)
    setAttribute(this.#bar, "value", fraction)
    setAttribute(this.#bar, "aria-label", text || this.#titleOf(part.name))
  }
}

/** A labelled piece of JSON, hidden while there is none. */
class Unfolded {
  #text = h("pre", { tabindex: 0 })
  /** @type {unknown} */
  #value

  /** @param {string} label */
  constructor(label) {
    this.element = h(
      "div",
      { class: "tool-data", hidden: true },
      h("h4", {}, label),
      this.#text,
    )
    this.#text.setAttribute("role", "region")
    this.#text.setAttribute("aria-label", label)
  }

  /**
   * @param {unknown} value
   * @param {boolean} isError
   */
  update(value, isError) {
    if (value === this.#value) return
    this.#value = value
    const text = prettyJson(value)
    this.element.hidden = text === ""
    setAttribute(this.element, "data-error", isError)
    setText(this.#text, text)
  }
}
