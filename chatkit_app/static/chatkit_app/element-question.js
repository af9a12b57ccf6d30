// The card's part that asks a person something: by a form of Django's, or one made of the schema.

import {
  Answering,
  answerButton,
  answerForm,
  askingSection,
} from "./element-answering.js"
import { DjangoForm } from "./element-django-form.js"
import { h } from "./element-dom.js"
import { SchemaForm } from "./element-schema-form.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-answering.js").AnswerHost} AnswerHost */
/** @typedef {import("./types.js").Interrupt} Interrupt */

export class QuestionView {
  #answering
  #form

  /**
   * @param {Words} words
   * @param {Interrupt} interrupt
   * @param {AnswerHost} host
   * @param {(name: string, otherwise: string) => string} nameOf
   */
  constructor(words, interrupt, host, nameOf) {
    const prefix = `ask-${interrupt.id}`
    const { schema } = interrupt
    this.#form = interrupt.form
      ? new DjangoForm(words, interrupt.form, prefix)
      : new SchemaForm(words, { schema, initial: undefined, prefix, label: nameOf })
    const actions = h("div", { class: "asking-actions" })
    this.#answering = new Answering(words, host, interrupt.id, actions)
    const skip = () => void this.#answering.send({ decision: "skip" })
    actions.append(
      answerButton(words("sendAnswer"), "primary"),
      answerButton(words("skip"), "", skip),
    )
    const send = () => this.#send()
    const { problem } = this.#answering
    this.element = askingSection(
      words,
      interrupt,
      { message: words("questionMessage"), language: host.language() },
      answerForm(send, this.#form.element, problem, actions),
    )
  }

  /** @param {boolean} isResolving its answer is on its way */
  update(isResolving) {
    this.#answering.update(isResolving)
  }

  #send() {
    const output = this.#form.read()
    if (output === undefined) return
    void this.#answering.send({ decision: "answer", output }, this.#form)
  }
}
