// The composer: a field that grows, send, stop, and the reason of what was refused.

import { h, ICONS, icon, setAttribute, setText } from "./element-dom.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

export class ComposerView {
  #words
  #host
  #grow = h("div", { class: "grow" })
  #field
  #send
  #stop
  #notice = h("p", { class: "notice", role: "alert", hidden: true })
  #isBusy = false
  #mayInterrupt = false

  /**
   * @param {Words} words
   * @param {{ send: (text: string) => void, stop: () => void }} host
   * @param {string} placeholder
   */
  constructor(words, host, placeholder) {
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
    })
    this.#send = roundButton("send", words("send"), ICONS.send)
    this.#send.type = "submit"
    this.#stop = roundButton("stop", words("stop"), ICONS.stop)
    this.#stop.addEventListener("click", () => this.#stopped())
    this.#grow.append(this.#field)
    this.element = h(
      "form",
      {
        class: "composer",
        part: "composer",
        novalidate: true,
        onsubmit: this.#submitted,
      },
      this.#notice,
      h(
        "div",
        { class: "composer-box" },
        h("label", { class: "unseen", for: "composer" }, words("composer")),
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
   */
  giveBack(text, reason) {
    const typed = this.#field.value
    this.#field.value = typed ? `${text}\n${typed}` : text
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
    setAttribute(
      this.#send,
      "aria-disabled",
      this.#field.value.trim() === "" ? "true" : null,
    )
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
    const text = this.#field.value.trim()
    if (text === "") return
    if (this.#isBusy && !this.#mayInterrupt) {
      this.notify(this.#words("busy"))
      return
    }
    this.#field.value = ""
    this.#typed()
    this.notify("")
    this.focus()
    this.#host.send(text)
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
