// The card of a tool call: its name, where it stands, what it tells and asks, input and result to unfold.

import { momentWords } from "./element-answering.js"
import { ApprovalView } from "./element-approval.js"
import { h, ICONS, icon, setAttribute, setText } from "./element-dom.js"
import { QuestionView } from "./element-question.js"
import { ToldView } from "./element-tool-told.js"
import {
  decisionWords,
  isStaffs,
  isVisitors,
  prettyJson,
  toolPhase,
  toolTitle,
} from "./element-tool-words.js"
import { ValuesView } from "./element-values.js"
import { partialInput } from "./partial.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-answering.js").AnswerHost} AnswerHost */
/** @typedef {import("./element-tool-words.js").PageOfCall} PageOfCall */
/** @typedef {import("./element-tool-words.js").ToolPhase} ToolPhase */
/** @typedef {import("./types.js").Interrupt} Interrupt */
/** @typedef {import("./types.js").ToolCallPart} ToolCallPart */

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
  #host
  #name
  #mark = h("span", { class: "tool-mark", "aria-hidden": "true" })
  #title = h("span", { class: "tool-title" })
  #state = h("span", { class: "tool-state" })
  #hint = h("p", { class: "tool-hint", dir: "auto", hidden: true })
  #decision = h("p", { class: "tool-decision", hidden: true })
  #decisionText = h("span")
  #reason = h("q", { dir: "auto", hidden: true })
  #summary
  #input
  #edited
  #output
  #preview
  #told
  #asked = h("div", { class: "tool-asked" })
  /** @type {{ id: string, view: ApprovalView | QuestionView } | null} */
  #asking = null
  #tone = ""

  /**
   * @param {Words} words
   * @param {AnswerHost} host
   * @param {string} name of the tool
   */
  constructor(words, host, name) {
    this.#words = words
    this.#host = host
    this.#name = name
    this.#input = new Unfolded(words("input"))
    this.#edited = new Unfolded(words("editedInput"))
    this.#output = new Unfolded(words("output"))
    this.#preview = new ValuesView(words, this.#nameOf)
    this.#told = new ToldView(words, this.#nameOf)
    this.#summary = h(
      "summary",
      {},
      this.#mark,
      h("span", { class: "tool-head" }, this.#title, " ", this.#state),
      h("span", { class: "tool-chevron" }, icon(ICONS.chevron)),
    )
    this.#decision.append(this.#decisionText, " ", this.#reason)
    const body = h("div", { class: "tool-body" })
    body.append(this.#input.element, this.#edited.element, this.#output.element)
    this.element = h(
      "div",
      { class: "tool", part: "tool-call" },
      h("details", {}, this.#summary, body),
      h("div", { class: "tool-preview" }, this.#preview.element),
      this.#told.element,
      this.#hint,
      this.#asked,
      this.#decision,
    )
    setText(this.#title, titleOf(words, name))
  }

  /**
   * @param {ToolCallPart} part
   * @param {PageOfCall} page
   */
  update(part, page) {
    const phase = toolPhase(part, page)
    setAttribute(this.element, "data-tool", part.name)
    setAttribute(this.element, "data-tone", phase.tone)
    setAttribute(this.element, "data-state", phase.words)
    setAttribute(this.#title, "title", part.name)
    setText(this.#state, this.#words(phase.words))
    this.#drawMark(phase.tone)
    this.#preview.update(part.status === "streaming" ? partialInput(part) : null)
    const title = this.#title.textContent ?? ""
    this.#told.update(part.progress, { isBusy: phase.tone === "busy", title })
    this.#drawHint(part.interrupt, phase)
    this.#drawDecision(part)
    this.#drawAsking(part, page.isResolving === true)
    this.#drawValues(part, page)
  }

  /** What a site calls a value of this tool: `tool.order_status.order`. */
  #nameOf = (/** @type {string} */ name, /** @type {string} */ otherwise) => {
    const key = `tool.${this.#name}.${name}`
    const named = this.#words(key)
    return named === key ? otherwise : named
  }

  /** @param {ToolPhase["tone"]} tone */
  #drawMark(tone) {
    if (tone === this.#tone) return
    this.#tone = tone
    const path = TONE_ICONS[tone]
    this.#mark.replaceChildren(...(path ? [icon(path)] : []))
  }

  /**
   * @param {Interrupt | null} interrupt
   * @param {ToolPhase} phase
   */
  #drawHint(interrupt, { hint }) {
    const isStaff = isStaffs(interrupt) && interrupt !== null
    const time = isStaff
      ? momentWords(interrupt.expiresAt, new Date(), this.#host.language())
      : ""
    const sentences = [
      isStaff ? interrupt.message : "",
      hint ? this.#words(hint) : "",
      time && this.#words("expires", { time }),
    ]
    setText(this.#hint, sentences.filter(Boolean).join(" "))
    this.#hint.hidden = this.#hint.textContent === ""
  }

  /** @param {ToolCallPart} part */
  #drawDecision({ approval }) {
    const name = decisionWords(approval)
    this.#decision.hidden = name === ""
    if (name === "") return
    setText(this.#decisionText, this.#words(name))
    setText(this.#reason, approval?.reason ?? "")
    this.#reason.hidden = !approval?.reason
  }

  /**
   * What it asks the visitor is drawn once, so that nothing of what was filled in is lost.
   *
   * @param {ToolCallPart} part
   * @param {boolean} isResolving
   */
  #drawAsking(part, isResolving) {
    const { interrupt } = part
    const id = interrupt && isVisitors(interrupt) ? interrupt.id : null
    if (id !== (this.#asking?.id ?? null)) {
      const hadFocus = this.#asking?.view.element.matches(":focus-within") === true
      this.#asking =
        id && interrupt ? { id, view: this.#askingView(part, interrupt) } : null
      this.#asked.replaceChildren(...(this.#asking ? [this.#asking.view.element] : []))
      // Whoever has just answered stays where they are, and goes on from there.
      if (hadFocus) this.#summary.focus({ preventScroll: true })
    }
    this.#asking?.view.update(isResolving)
  }

  /** @param {ToolCallPart} part @param {Interrupt} interrupt */
  #askingView(part, interrupt) {
    const words = this.#words
    const view =
      interrupt.kind === "approval"
        ? new ApprovalView(words, part, interrupt, this.#host, this.#nameOf)
        : new QuestionView(words, interrupt, this.#host, this.#nameOf)
    setAttribute(view.element, "aria-label", this.#title.textContent)
    return view
  }

  /** @param {ToolCallPart} part @param {PageOfCall} page */
  #drawValues(part, { result }) {
    this.#input.update(part.input == null ? part.arguments : part.input, false)
    this.#edited.update(part.editedInput ?? "", false)
    this.#output.update(
      result?.error?.text ?? result?.content ?? "",
      result?.state === "error",
    )
  }
}

/**
 * A site may name its tools in its table of words: `tool.order_status`.
 *
 * @param {Words} words
 * @param {string} name
 */
export function titleOf(words, name) {
  const named = words(`tool.${name}`)
  return named === `tool.${name}` ? toolTitle(name) : named
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
