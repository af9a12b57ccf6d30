// The card's part that asks a person to approve a call: as it is, changed, not at all, or in words.

import {
  Answering,
  answerButton,
  answerForm,
  askingSection,
} from "./element-answering.js"
import { h } from "./element-dom.js"
import { fieldsOf } from "./element-fields.js"
import { SchemaForm } from "./element-schema-form.js"
import { ValuesView } from "./element-values.js"
import { isSame } from "./messages.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-answering.js").AnswerHost} AnswerHost */
/** @typedef {import("./types.js").Interrupt} Interrupt */
/** @typedef {import("./types.js").ToolCallPart} ToolCallPart */
/** @typedef {(name: string, otherwise: string) => string} NameOf */

export class ApprovalView {
  #words
  #part
  #interrupt
  #nameOf
  #answering
  /** The arguments as they are, while they are not changed. */
  #shown = h("div")
  /** Closed and opened again it has what was typed. @type {SchemaForm | null} */
  #form = null
  #actions = h("div", { class: "asking-actions" })
  #panel = h("div", { class: "asking-panel" })
  /** The button that opened what is open below it. @type {HTMLElement | null} */
  #opener = null

  /**
   * @param {Words} words
   * @param {ToolCallPart} part
   * @param {Interrupt} interrupt
   * @param {AnswerHost} host
   * @param {NameOf} nameOf
   */
  constructor(words, part, interrupt, host, nameOf) {
    this.#words = words
    this.#part = part
    this.#interrupt = interrupt
    this.#nameOf = nameOf
    const values = argumentsView(words, interrupt, nameOf)
    values.update(part.input)
    this.#shown.append(values.element)
    this.element = askingSection(
      words,
      interrupt,
      { message: words("approvalMessage"), language: host.language() },
      this.#shown,
      part.clipped ? h("p", { class: "asking-note" }, words("clipped")) : null,
      this.#actions,
      this.#panel,
    )
    this.#answering = new Answering(words, host, interrupt.id, this.element)
    this.#panel.before(this.#answering.problem)
    this.#drawActions()
    this.element.addEventListener("keydown", (event) => this.#pressed(event))
  }

  /** @param {boolean} isResolving its answer is on its way */
  update(isResolving) {
    this.#answering.update(isResolving)
  }

  #drawActions() {
    const words = this.#words
    const approve = () => void this.#answering.send({ decision: "approve" })
    const change = answerButton(words("change"), "", () => this.#edit(change))
    const deny = answerButton(words("deny"), "", () => this.#deny(deny))
    const respond = answerButton(words("respond"), "", () => this.#respond(respond))
    this.#actions.append(answerButton(words("approve"), "primary", approve), deny)
    // What was cut cannot be changed: the rest would be lost.
    if (!this.#part.clipped) this.#actions.append(change)
    this.#actions.append(respond)
  }

  /** @param {HTMLElement} opener */
  #edit(opener) {
    this.#form ??= new SchemaForm(this.#words, {
      schema: this.#interrupt.schema,
      initial: this.#part.input,
      prefix: `change-${this.#interrupt.id}`,
      label: this.#nameOf,
    })
    const form = this.#form
    const send = () => {
      const input = form.read()
      if (input === undefined) return
      const isChanged = !isSame(input, this.#part.input)
      void this.#answering.send(
        isChanged ? { decision: "edit", input } : { decision: "approve" },
        form,
      )
    }
    this.#shown.hidden = true
    const sender = answerButton(this.#words("approveChanged"), "primary")
    this.#show(opener, answerForm(send, form.element, this.#row(sender)))
    form.focus()
  }

  /** @param {HTMLElement} opener */
  #deny(opener) {
    const sender = answerButton(this.#words("deny"), "danger")
    this.#ask(opener, "denyReason", sender, (text) => ({ decision: "deny", text }))
  }

  /** @param {HTMLElement} opener */
  #respond(opener) {
    const sender = answerButton(this.#words("sendAnswer"), "primary")
    this.#ask(opener, "respondLabel", sender, (text) =>
      text === "" ? null : { decision: "respond", text },
    )
  }

  /**
   * @param {HTMLElement} opener
   * @param {"denyReason" | "respondLabel"} label
   * @param {HTMLElement} sender
   * @param {(text: string) => import("./element-answering.js").Decision | null} decide
   */
  #ask(opener, label, sender, decide) {
    const id = `${label}-${this.#interrupt.id}`
    const field = h("textarea", { id, rows: 2, dir: "auto" })
    const send = () => {
      const decision = decide(field.value.trim())
      if (decision) void this.#answering.send(decision)
      else field.focus()
    }
    field.addEventListener("keydown", (event) => {
      const isPlain = !event.shiftKey && !event.altKey && !event.isComposing
      if (event.key !== "Enter" || !isPlain || event.keyCode === 229) return
      event.preventDefault()
      send()
    })
    const box = h(
      "div",
      { class: "field" },
      h("label", { for: id }, this.#words(label)),
      field,
    )
    this.#show(opener, answerForm(send, box, this.#row(sender)))
    field.focus()
  }

  /** @param {HTMLElement} sender */
  #row(sender) {
    const back = answerButton(this.#words("back"), "", () => this.#close())
    return h("div", { class: "asking-actions" }, sender, back)
  }

  /** @param {HTMLElement} opener @param {HTMLElement} form */
  #show(opener, form) {
    this.#opener = opener
    this.#actions.hidden = true
    this.#panel.replaceChildren(form)
    this.#panel.scrollIntoView({ block: "nearest" })
  }

  #close() {
    this.#panel.replaceChildren()
    this.#actions.hidden = false
    this.#shown.hidden = false
    this.#answering.say("")
    this.#opener?.focus()
    this.#opener = null
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Escape" || !this.#opener || event.isComposing) return
    event.stopPropagation()
    if (this.#answering.isResting) return
    this.#close()
  }
}

/**
 * The arguments in the words of the tool's schema, as they are in the fields that change them.
 *
 * @param {Words} words
 * @param {Interrupt} interrupt
 * @param {NameOf} nameOf
 */
function argumentsView(words, { schema }, nameOf) {
  const fields = new Map(
    fieldsOf(schema, undefined).map((field) => [field.name, field]),
  )
  return new ValuesView(
    words,
    (name, otherwise) => nameOf(name, fields.get(name)?.label ?? otherwise),
    (name) => fields.get(name)?.help ?? "",
  )
}
