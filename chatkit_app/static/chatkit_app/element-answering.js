// What every answer of a person has around it: until when, that it is being sent, and what was refused.

import { h, setAttribute, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-schema-form.js").AnswerForm} AnswerForm */
/** @typedef {import("./types.js").AnswerProblem} AnswerProblem */
/** @typedef {import("./types.js").Interrupt} Interrupt */
/** @typedef {import("./types.js").InterruptAnswer} InterruptAnswer */
/** @typedef {import("./types.js").Json} Json */

/**
 * @typedef {{ decision: "approve" | "skip" } | { decision: "edit", input: Json }
 *   | { decision: "deny" | "respond", text: string }
 *   | { decision: "answer", output: Json }} Decision
 *
 * @typedef {object} AnswerHost
 * @property {(answer: InterruptAnswer) => Promise<unknown>} resolve
 * @property {(error: unknown) => string} reason of a refusal, in words
 * @property {() => string} language of the page
 */

/**
 * A moment as people tell it: the time, and the day where it is another one.
 *
 * @param {string | null} iso
 * @param {Date} now
 * @param {string} language
 * @returns {string} empty where there is none
 */
export function momentWords(iso, now, language) {
  const moment = new Date(iso ?? "")
  if (Number.isNaN(moment.getTime())) return ""
  const isToday = moment.toDateString() === now.toDateString()
  /** @type {Intl.DateTimeFormatOptions} */
  const time = { hour: "numeric", minute: "2-digit" }
  /** @type {Intl.DateTimeFormatOptions} */
  const format = isToday ? time : { month: "short", day: "numeric", ...time }
  try {
    return moment.toLocaleString(language || undefined, format)
  } catch {
    return moment.toLocaleString(undefined, format) // no browser knows this language
  }
}

/** Sends the answer to one interrupt, once, and says why it was refused. */
export class Answering {
  problem = h("p", {
    class: "asking-problem",
    role: "alert",
    hidden: true,
    dir: "auto",
  })
  #words
  #host
  #interrupt
  #buttons
  #isPending = false
  #isResting = false

  /**
   * @param {Words} words
   * @param {AnswerHost} host
   * @param {string} interrupt its id
   * @param {HTMLElement} buttons holds the buttons that rest meanwhile
   */
  constructor(words, host, interrupt, buttons) {
    this.#words = words
    this.#host = host
    this.#interrupt = interrupt
    this.#buttons = buttons
  }

  /** Is an answer on its way? */
  get isResting() {
    return this.#isResting
  }

  /**
   * @param {Decision} decision
   * @param {AnswerForm | null} [form] has the fields that may be refused
   */
  async send(decision, form = null) {
    if (this.#isResting) return
    this.#isPending = true
    this.update(true)
    this.say("")
    try {
      await this.#host.resolve(
        /** @type {InterruptAnswer} */ ({ interrupt: this.#interrupt, ...decision }),
      )
      this.#isPending = false // the client says how long it is on its way
    } catch (error) {
      this.#isPending = false
      this.update(false)
      this.#refused(error, form)
    }
  }

  /** @param {boolean} isResolving says the client: by this card, or by a script of the page */
  update(isResolving) {
    this.#isResting = isResolving || this.#isPending
    for (const button of this.#buttons.querySelectorAll("button"))
      setAttribute(button, "aria-disabled", this.#isResting ? "true" : null)
  }

  /** @param {string} text empty to take it away */
  say(text) {
    this.problem.hidden = text === ""
    setText(this.problem, text)
  }

  /** @param {string} text */
  #warn(text) {
    this.say(text)
    this.problem.scrollIntoView({ block: "nearest" })
  }

  /**
   * @param {unknown} error
   * @param {AnswerForm | null} form
   */
  #refused(error, form) {
    const { errors = [] } = /** @type {{ errors?: readonly AnswerProblem[] }} */ (
      error ?? {}
    )
    const own = errors.filter(({ interrupt }) => interrupt === this.#interrupt)
    if (own.length === 0) return this.#warn(this.#host.reason(error))
    if (!form) return this.#warn(own.map(({ message }) => message).join(" "))
    const rest = form.show(own).join(" ")
    if (rest === "") this.say(this.#words("fieldsWrong"))
    else this.#warn(rest)
  }
}

/**
 * What is asked, with until when below it. It can be gone to, and takes no focus by itself.
 *
 * @param {Words} words
 * @param {Interrupt} interrupt
 * @param {object} more
 * @param {string} more.message where the tool has brought none
 * @param {string} more.language of the page
 * @param {...(Node | null)} children
 */
export function askingSection(words, interrupt, { message, language }, ...children) {
  const time = momentWords(interrupt.expiresAt, new Date(), language)
  return h(
    "section",
    {
      class: "asking",
      part: "asking",
      role: "group",
      tabindex: -1,
      "data-interrupt": interrupt.id,
    },
    h("p", { class: "asking-message", dir: "auto" }, interrupt.message || message),
    ...children,
    time ? h("p", { class: "asking-note" }, words("answerBy", { time })) : null,
  )
}

/**
 * @param {string} text
 * @param {"primary" | "danger" | ""} kind
 * @param {(() => void) | null} [press] null: it sends its form
 */
export function answerButton(text, kind, press = null) {
  const properties = {
    type: press ? "button" : "submit",
    class: `answer-button ${kind}`,
  }
  const button = h("button", properties, text)
  button.addEventListener("click", (event) => {
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault()
    else press?.()
  })
  return button
}

/**
 * A form whose sending is ours. Fields of a site may have any names, those of a form's own
 * properties too: nothing is asked of the element once they are in it.
 *
 * @param {() => void} send
 * @param {...(Node | null)} children
 */
export function answerForm(send, ...children) {
  const submitted = (/** @type {Event} */ event) => {
    event.preventDefault()
    send()
  }
  return h(
    "form",
    { class: "asking-form", novalidate: true, onsubmit: submitted },
    ...children,
  )
}
