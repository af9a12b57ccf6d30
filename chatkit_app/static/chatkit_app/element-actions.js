// What can be done with a message: copy, edit, answer anew, rate it, and turn to what else stands there.

import { BranchesView } from "./element-branches.js"
import { h, ICONS, setAttribute } from "./element-dom.js"
import { FeedbackForm } from "./element-feedback.js"
import { ActionButton, ActionNote, Toolbar } from "./element-toolbar.js"

/** @typedef {import("./api.js").Rating} Rating */
/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./types.js").Message} Message */

/**
 * @typedef {object} ActionsHost a promise rejects where it is refused; nothing has changed then
 * @property {(id: string) => Promise<void>} regenerate
 * @property {(id: string, step: 1 | -1) => Promise<void>} show the branch of this message
 * @property {(id: string, text: string, attachments: string[]) => Promise<void>} edit
 * @property {(id: string) => Promise<void>} fork go on from this message in a new thread, which is opened
 * @property {(id: string, rating: Rating | null) => Promise<void>} rate null takes it back
 * @property {(message: Message) => Promise<Message>} whole with nothing cut
 * @property {(error: unknown) => string} problem why it was refused
 * @property {(text: string) => void} say to who cannot see it
 */

const COPIED_MS = 2_000

/**
 * What a message says, as it was written.
 *
 * @param {Message} message
 */
export function textOf({ parts }) {
  const texts = parts.map((part) => (part.type === "text" ? part.content : ""))
  return texts.filter(Boolean).join("\n\n")
}

/** @param {Message} message */
export function isClipped({ parts }) {
  return parts.some((part) => part.type === "text" && part.clipped)
}

/**
 * What is offered for a message.
 *
 * @param {Message} message
 * @param {Pick<ClientShape, "thread">} client
 */
export function offers(message, { thread }) {
  const isUser = message.role === "user"
  const isAnswer = message.role === "assistant" && !message.author
  const isOpen = thread?.status === "open"
  return {
    copy: textOf(message) !== "",
    edit: isUser && isOpen,
    regenerate: isAnswer && isOpen && message.runId !== null,
    // Also a person's answer, and where this thread takes no messages: the new one does.
    fork: !isUser,
    rate: isAnswer,
  }
}

export class ActionsView {
  element
  #words
  #host
  /** @type {Message} */
  #message
  #copy
  #edit
  #regenerate
  #fork
  #up
  #down
  #branches
  #toolbar
  #note = new ActionNote()
  /** Made when it is asked for. @type {FeedbackForm | null} */
  #feedback = null
  /** What was answered to a rating, until the thread tells it. @type {"up" | "down" | null | undefined} */
  #rated = undefined

  /**
   * @param {Words} words
   * @param {Message} message
   * @param {ActionsHost} host
   * @param {() => void} edit
   */
  constructor(words, message, host, edit) {
    this.#words = words
    this.#host = host
    this.#message = message
    const refused = (/** @type {unknown} */ error) =>
      this.#note.say(host.problem(error))
    const button = (
      /** @type {string} */ path,
      /** @type {() => Promise<void> | void} */ act,
    ) => new ActionButton(path, () => this.#begin(act), refused)
    this.#copy = button(ICONS.copy, () => this.#copyText())
    this.#edit = button(ICONS.pen, edit)
    this.#regenerate = button(ICONS.again, () => host.regenerate(this.#message.id))
    this.#fork = button(ICONS.fork, () => this.#goOn())
    this.#up = button(ICONS.up, () => this.#rate("up"))
    this.#down = button(ICONS.bad, () => this.#rate("down"))
    this.#branches = new BranchesView(words, (id, step) => host.show(id, step), refused)
    this.#name()
    const first = [this.#copy, this.#edit, this.#regenerate, this.#fork]
    const buttons = [...first, this.#up, this.#down]
    const children = [...buttons.map(({ element }) => element), this.#branches.element]
    this.#toolbar = new Toolbar(words("actions"), children)
    this.element = h("div", { class: "actions" })
    this.element.append(this.#toolbar.element, this.#note.element)
  }

  /**
   * @param {Message} message
   * @param {ClientShape} client
   */
  update(message, client) {
    if (message.feedback !== this.#message.feedback) this.#rated = undefined
    this.#message = message
    this.element.hidden = message.status === "open"
    const offered = offers(message, client)
    this.#copy.show(offered.copy && Boolean(navigator.clipboard))
    this.#edit.show(offered.edit)
    this.#regenerate.show(offered.regenerate)
    this.#fork.show(offered.fork)
    this.#up.show(offered.rate)
    this.#down.show(offered.rate)
    this.#drawRating()
    this.#branches.update(message)
    this.#toolbar.settle()
  }

  /** After an edit that came to nothing. */
  focusEdit() {
    this.#edit.element.focus()
  }

  #name() {
    this.#copy.name(this.#words("copyMessage"))
    this.#edit.name(this.#words("edit"))
    this.#regenerate.name(this.#words("regenerate"))
    this.#fork.name(this.#words("fork"))
    this.#up.name(this.#words("rateUp"))
    this.#down.name(this.#words("rateDown"))
  }

  /** @param {() => Promise<void> | void} act */
  #begin(act) {
    this.#note.say("")
    return act()
  }

  async #goOn() {
    await this.#host.fork(this.#message.id)
    this.#host.say(this.#words("forked"))
  }

  async #copyText() {
    const whole = await this.#host.whole(this.#message)
    await navigator.clipboard.writeText(textOf(whole))
    this.#copy.name(this.#words("copied"))
    setAttribute(this.#copy.element, "data-done", true)
    this.#host.say(this.#words("copied"))
    setTimeout(() => {
      this.#copy.name(this.#words("copyMessage"))
      setAttribute(this.#copy.element, "data-done", false)
    }, COPIED_MS)
  }

  /** @param {"up" | "down"} kind pressed again, it is taken back */
  async #rate(kind) {
    const isTakenBack = this.#feedbackNow() === kind
    await this.#host.rate(this.#message.id, isTakenBack ? null : { kind })
    this.#rated = isTakenBack ? null : kind
    this.#drawRating()
    if (this.#rated === "down") this.#askWhy()
    else this.#feedback?.close()
    this.#host.say(this.#words(isTakenBack ? "rateTakenBack" : "rateThanks"))
  }

  #askWhy() {
    this.#feedback ??= this.#makeForm()
    this.#feedback.open()
  }

  #makeForm() {
    const form = new FeedbackForm(this.#words, {
      send: (rating) => this.#host.rate(this.#message.id, rating),
      problem: this.#host.problem,
      closed: () => this.#down.element.focus(),
      thanked: (text) => this.#host.say(text),
    })
    this.element.append(form.element)
    return form
  }

  #feedbackNow() {
    return this.#rated === undefined ? this.#message.feedback : this.#rated
  }

  #drawRating() {
    const now = this.#feedbackNow()
    setAttribute(this.#up.element, "aria-pressed", String(now === "up"))
    setAttribute(this.#down.element, "aria-pressed", String(now === "down"))
    if (now !== "down") this.#feedback?.close()
  }
}
