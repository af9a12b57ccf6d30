// One message: who says it, its parts, and what can be done with it.

import { ActionsView, textOf } from "./element-actions.js"
import { h, hasFocus, ICONS, icon, KeyedChildren, setText } from "./element-dom.js"
import { EditingView } from "./element-editing.js"
import { isEmpty, viewOf } from "./element-parts.js"
import { hasEndedEarly } from "./element-run.js"
import { isOpenCall } from "./element-tool-words.js"

/** @typedef {import("./element-actions.js").ActionsHost} ActionsHost */
/** @typedef {import("./element-answering.js").AnswerHost} AnswerHost */
/** @typedef {import("./element-parts.js").PartView} PartView */
/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").Run} Run */

/** @typedef {AnswerHost & ActionsHost & { name: () => string }} MessageHost */

export class MessageView {
  #children
  #body
  #note = h("p", { class: "note", hidden: true })
  #words
  #host
  #actions
  /** @type {EditingView | null} */
  #editing = null
  /** @type {Message | null} */
  #drawn = null
  /** What the thread takes, as far as it was drawn. */
  #threadStatus = ""

  /**
   * @param {Words} words
   * @param {Message} message
   * @param {MessageHost} host
   */
  constructor(words, message, host) {
    this.#words = words
    this.#host = host
    const isUser = message.role === "user"
    const name = isUser ? "bubble" : "answer"
    this.#body = h("div", { class: name, part: name })
    /** @type {KeyedChildren<Part, PartView>} */
    this.#children = new KeyedChildren(this.#body, (part) =>
      viewOf(part, isUser, words, host),
    )
    this.#actions = new ActionsView(words, message, host, () => this.#edit())
    this.element = h("article", {
      class: "message",
      "data-role": message.role,
      "data-id": message.id,
      "data-author": Boolean(message.author),
    })
    this.element.append(
      headOf(words, message, host),
      this.#body,
      this.#note,
      this.#actions.element,
    )
  }

  /**
   * @param {Message} message
   * @param {ClientShape} client
   */
  update(message, client) {
    this.#drawNote(message, client.run)
    const hasOpenCall = message.parts.some(isOpenCall)
    const status = client.thread?.status ?? ""
    // An unchanged message is the same object; its open calls also depend on the page's handlers.
    if (message === this.#drawn && !hasOpenCall && status === this.#threadStatus) return
    this.#drawn = message
    this.#threadStatus = status
    this.#children.render(
      message.parts.filter((part) => part.type !== "tool-result" && !isEmpty(part)),
      (part) => part.partId,
      (view, part) => view.update(part, message, client),
    )
    this.#actions.update(message, client)
    if (this.#editing) this.#actions.element.hidden = true
  }

  /**
   * The newest run tells of its own end below; older answers say it themselves.
   *
   * @param {Message} message
   * @param {Run | null} run
   */
  #drawNote(message, run) {
    const isTold = message.runId === run?.id && hasEndedEarly(run)
    this.#note.hidden = message.status !== "interrupted" || isTold
    setText(this.#note, this.#note.hidden ? "" : this.#words("interrupted"))
  }

  async #edit() {
    const shown = /** @type {Message} */ (this.#drawn)
    const message = await this.#host.whole(shown)
    const attachments = message.parts.flatMap((part) =>
      part.type === "file" && part.attachmentId ? [part.attachmentId] : [],
    )
    const editing = new EditingView(this.#words, {
      send: (text) => this.#host.edit(message.id, text, attachments),
      cancelled: () => this.#read(),
      problem: this.#host.problem,
    })
    this.#editing = editing
    this.#body.hidden = true
    this.#actions.element.hidden = true
    this.#body.after(editing.element)
    editing.begin(textOf(message))
  }

  /** It is shown again as it is. */
  #read() {
    const isFocused = this.#editing !== null && hasFocus(this.#editing.element)
    this.#editing?.element.remove()
    this.#editing = null
    this.#body.hidden = false
    this.#actions.element.hidden = false
    if (isFocused) this.#actions.focusEdit()
  }
}

/**
 * A person of the staff is shown as one; who else speaks is plain to see, and said to who cannot.
 *
 * @param {Words} words
 * @param {Message} message
 * @param {MessageHost} host
 */
function headOf(words, { role, author }, host) {
  if (!author)
    return h("h3", { class: "unseen" }, role === "user" ? words("you") : host.name())
  return h(
    "h3",
    { class: "author" },
    h("span", { class: "author-mark" }, icon(ICONS.person)),
    h("bdi", { class: "author-name" }, author.name || words("staff")),
    ...(author.name ? [h("span", { class: "author-role" }, words("staff"))] : []),
  )
}
