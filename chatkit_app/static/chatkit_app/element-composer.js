// The composer: a field that grows, send, stop, and the reason of what was refused.

import { h, ICONS, icon, setAttribute, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-attachments.js").AttachmentsView} AttachmentsView */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

/**
 * @typedef {object} ComposerHost
 * @property {(text: string, options: { attachments?: string[] }) => void} send
 * @property {() => void} stop
 *
 * @typedef {object} FilesHost
 * @property {() => void} changed
 * @property {() => void} focus the field
 */

export class ComposerView {
  #words
  #host
  #grow = h("div", { class: "grow" })
  #field
  #send
  #stop
  #notice = h("p", { class: "notice", role: "alert", hidden: true })
  #files
  #isBusy = false
  #mayInterrupt = false

  /**
   * @param {Words} words
   * @param {ComposerHost} host
   * @param {string} placeholder
   * @param {((host: FilesHost) => AttachmentsView) | null} [attachments] where files are taken
   */
  constructor(words, host, placeholder, attachments = null) {
    this.#words = words
    this.#host = host
    this.#field = h("textarea", {
      id: "composer",
      rows: 1,
      dir: "auto",
      placeholder,
      enterkeyhint: "send",
      autocomplete: "off",
      oninput: () => this.#typed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
      onpaste: (/** @type {ClipboardEvent} */ event) => this.#files?.paste(event),
    })
    this.#send = roundButton("send", words("send"), ICONS.send)
    this.#send.type = "submit"
    this.#stop = roundButton("stop", words("stop"), ICONS.stop)
    this.#stop.addEventListener("click", () => this.#stopped())
    this.#grow.append(this.#field)
    this.#files = attachments?.({
      changed: () => this.#typed(),
      focus: () => this.focus(),
    })
    this.element = h(
      "form",
      {
        class: "composer",
        part: "composer",
        novalidate: true,
        onsubmit: this.#submitted,
      },
      this.#notice,
      this.#files?.element ?? null,
      h(
        "div",
        { class: "composer-box" },
        h("label", { class: "unseen", for: "composer" }, words("composer")),
        this.#files?.button ?? null,
        this.#grow,
        this.#stop,
        this.#send,
      ),
    )
    this.#typed()
  }

  focus() {
    this.#field.focus({ preventScroll: true })
  }

  /**
   * What a message would do besides, for who cannot see it beside the field.
   *
   * @param {string | null} id of an element beside this one
   */
  describe(id) {
    setAttribute(this.#field, "aria-describedby", id)
  }

  /** @param {ClientShape} client */
  update(client) {
    this.#isBusy = client.isBusy
    // A run that waits for a page gives way to a new message; one that writes does not.
    this.#mayInterrupt = client.run?.status === "requires_action"
    const isStopping = client.run?.status === "cancelling"
    const hadFocus = this.#hasFocus(this.#stop) || this.#hasFocus(this.#send)
    this.#stop.hidden = !client.isBusy
    setAttribute(this.#stop, "aria-disabled", isStopping ? "true" : null)
    setAttribute(this.#stop, "title", this.#words(isStopping ? "stopping" : "stop"))
    this.#send.hidden = client.isBusy && !this.#mayInterrupt
    if (hadFocus && (this.#stop.hidden || this.#send.hidden)) this.#keepFocus()
  }

  /**
   * A send was refused: the text comes back in front of what was typed since, with the reason.
   *
   * @param {string} text
   * @param {string} reason
   * @param {readonly string[]} [attachments] its files' ids
   */
  giveBack(text, reason, attachments = []) {
    this.#field.value = [text, this.#field.value].filter((each) => each).join("\n")
    this.#files?.uploads.giveBack(attachments)
    this.#typed()
    this.notify(reason)
  }

  /** @param {string} text empty to take it away */
  notify(text) {
    this.#notice.hidden = text === ""
    setText(this.#notice, text)
  }

  #typed() {
    // The copy behind the field gives the box its height: no inline style, no measuring.
    this.#grow.dataset.text = this.#field.value
    const cannot = this.#isEmpty || this.#files?.obstacle
    setAttribute(this.#send, "aria-disabled", cannot ? "true" : null)
  }

  get #isEmpty() {
    return this.#field.value.trim() === "" && (this.#files?.isEmpty ?? true)
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // 229: some browsers end a composition before the key that ended it.
    if (event.isComposing || event.keyCode === 229) return
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault()
      this.#submit()
    } else if (event.key === "Escape" && this.#isBusy) {
      event.stopPropagation()
      this.#stopped()
    }
  }

  #submitted = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    this.#submit()
  }

  #submit() {
    if (this.#isEmpty) return
    const isBusy = this.#isBusy && !this.#mayInterrupt
    const obstacle = isBusy ? this.#words("busy") : this.#files?.obstacle
    if (obstacle) {
      this.notify(obstacle)
      return
    }
    const text = this.#field.value.trim()
    const attachments = this.#files?.uploads.take() ?? []
    this.#field.value = ""
    this.#typed()
    this.notify("")
    this.focus()
    this.#host.send(text, attachments.length > 0 ? { attachments } : {})
  }

  #stopped() {
    this.focus()
    this.#host.stop()
  }

  #keepFocus() {
    this.focus()
  }

  /** @param {HTMLElement} element */
  #hasFocus(element) {
    const root = element.getRootNode()
    return root instanceof ShadowRoot && root.activeElement === element
  }
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string} path
 */
export function roundButton(name, label, path) {
  const button = h(
    "button",
    { type: "button", class: `round ${name}`, title: label },
    icon(path),
  )
  button.setAttribute("aria-label", label)
  return button
}
