// The chat's place: beside the page where there is room, else a sheet over its lower part.

export class Panel {
  #root = document.documentElement
  #chat
  #toggle = /** @type {HTMLButtonElement} */ (document.getElementById("chat-toggle"))
  #close = /** @type {HTMLButtonElement} */ (document.getElementById("chat-close"))

  /** @param {HTMLElement} chat */
  constructor(chat) {
    this.#chat = chat
    this.#toggle.hidden = this.#close.hidden = false
    this.#toggle.addEventListener("click", () => {
      if (this.isOpen) this.#set(false)
      else this.#enter()
    })
    document.getElementById("chat-skip")?.addEventListener("click", (event) => {
      event.preventDefault()
      this.#enter()
    })
    this.#close.addEventListener("click", () => this.#leave())
    document.getElementById("chat")?.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && this.isSheet)
        this.#leave()
    })
    this.#set(this.isOpen)
    if (this.#root.dataset.sheet) this.makeWay() // asked for by the page before
  }

  get isOpen() {
    return this.#root.dataset.chat === "open"
  }

  /** Does it lie over the page? */
  get isSheet() {
    return !matchMedia("(min-width: 64rem)").matches
  }

  /** Let more of the page be seen, until the visitor turns to the chat again. */
  makeWay() {
    if (!this.isSheet || !this.isOpen) return
    this.#root.dataset.sheet = "low"
    const restore = () => delete this.#root.dataset.sheet
    this.#chat.addEventListener("pointerdown", restore, { once: true })
    this.#chat.addEventListener("focusin", restore, { once: true })
  }

  /** As `makeWay`, on the page that comes next. */
  makeWayNext() {
    keep("shop:sheet", "low")
  }

  #enter() {
    this.#set(true)
    this.#chat.shadowRoot?.querySelector("textarea")?.focus()
  }

  #leave() {
    this.#set(false)
    this.#toggle.focus()
  }

  /** @param {boolean} isOpen */
  #set(isOpen) {
    this.#root.dataset.chat = isOpen ? "open" : "closed"
    this.#toggle.setAttribute("aria-expanded", String(isOpen))
    keep("shop:chat", this.#root.dataset.chat)
  }
}

/**
 * For the pages to come in this tab; early.js reads it.
 *
 * @param {string} key
 * @param {string} value
 */
function keep(key, value) {
  try {
    sessionStorage.setItem(key, value)
  } catch {
    // Storage is blocked: the next page begins as the first one.
  }
}
