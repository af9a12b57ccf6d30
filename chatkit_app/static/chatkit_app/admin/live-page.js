/**
 * A thread's page in the admin as the thread is: the server draws it again when something happens,
 * so that all that people and models have said is escaped in one place. Text that is being written
 * is added here, as text. Where there is no socket it asks every few seconds.
 */

import { Alarm } from "../alarm.js"
import { Connection } from "../connection.js"
import { environment, mountUrl } from "../environment.js"
import { ChatKitError } from "../protocol.js"
import { Subscription } from "../subscription.js"
import { redraw, remember } from "./redrawing.js"

/** @import { Environment, ServerFrame } from "../types.js" */

/** At most so often is it drawn again. */
const GAP_MS = 500
/** Without a socket it is asked so often. */
const POLL_MS = 3_000
/** With one now and then too: it is the admin's own word. */
const RECHECK_MS = 30_000
/** Pixels from the end of the page at which somebody follows what comes. */
const NEAR_END = 40

export class LivePage {
  #root
  #watch
  #env
  #drawnAt = Number.NEGATIVE_INFINITY
  #isDrawing = false
  #isStale = false
  #hasEnded = false
  #due
  #poll
  /** @type {Connection | null} */
  #connection = null
  /** @type {Subscription | null} */
  #subscription = null

  /**
   * @param {object} options
   * @param {HTMLElement} options.root
   * @param {HTMLElement} options.watch where it is told how it stands
   * @param {Partial<Environment>} [options.env]
   */
  constructor({ root, watch, env = {} }) {
    this.#root = root
    this.#watch = watch
    this.#env = environment(env)
    this.#due = new Alarm(this.#env, () => void this.#draw())
    this.#poll = new Alarm(this.#env, () => void this.#draw())
  }

  start() {
    remember(this.#root)
    if (this.#root.dataset.mount) this.#connect(this.#root.dataset.mount)
    else this.#tell("polling")
    this.#ask()
  }

  /** @param {string} mount */
  #connect(mount) {
    const env = this.#env
    const connection = new Connection({
      mount: mountUrl(mount, env.base),
      // Nobody of the staff becomes a visitor.
      requests: /** @type {any} */ ({
        makeVisitor: () => Promise.reject(new ChatKitError("no_viewer", "Logged out.")),
      }),
      env,
    })
    const subscription = new Subscription({
      threadId: this.#root.dataset.thread ?? "",
      tell: (frame) => connection.tell(frame),
      env,
    })
    connection.addEventListener("open", () => subscription.subscribe())
    connection.addEventListener("down", () => subscription.disconnected())
    connection.addEventListener("state", () => this.#ask())
    connection.addEventListener("failed", () => this.#ask())
    connection.addEventListener("awake", () => subscription.check())
    connection.addEventListener("frame", (event) => {
      this.#heard(/** @type {CustomEvent} */ (event).detail)
    })
    subscription.addEventListener("live", () => this.#ask())
    subscription.addEventListener("change", () => this.#write())
    this.#connection = connection
    this.#subscription = subscription
    connection.open()
  }

  /** @param {ServerFrame} frame */
  #heard(frame) {
    if (frame.type === "error") return this.#refused()
    if (frame.type === "event") {
      this.#subscription?.receive(frame)
      if (frame.event.type !== "part.delta") this.#stale()
    } else if (frame.type === "reset" || frame.type === "position") {
      this.#subscription?.receive(frame)
      if (frame.position !== Number(this.#root.dataset.position)) this.#stale()
    }
  }

  /** It may not be watched, or the server is too busy for that. */
  #refused() {
    this.#subscription?.end()
    this.#connection?.close()
    this.#subscription = null
    this.#ask()
  }

  get #isWatched() {
    return this.#connection?.state === "open" && this.#subscription?.isLive === true
  }

  /** Without a socket, ask every few seconds. */
  #ask() {
    if (this.#hasEnded) return
    this.#tell(this.#isWatched ? "live" : "polling")
    this.#poll.set(this.#isWatched ? RECHECK_MS : POLL_MS)
  }

  /** Something has happened: it is drawn again soon, and never twice at once. */
  #stale() {
    this.#isStale = true
    if (this.#isDrawing || this.#due.isSet || this.#hasEnded) return
    this.#due.set(Math.max(0, this.#drawnAt + GAP_MS - this.#env.now()))
  }

  async #draw() {
    if (this.#isDrawing || this.#hasEnded) return
    this.#isDrawing = true
    this.#isStale = false
    this.#drawnAt = this.#env.now()
    try {
      await this.#fetch()
    } catch {
      this.#tell("lost")
      this.#poll.set(POLL_MS)
    }
    this.#isDrawing = false
    if (this.#isStale) this.#stale()
  }

  async #fetch() {
    const { url, standing } = this.#root.dataset
    const known = encodeURIComponent(standing ?? "")
    const answer = await this.#env.fetch(`${url}?known=${known}`, {
      credentials: "same-origin",
      headers: { Accept: "text/html" },
    })
    if (answer.redirected || answer.status === 403 || answer.status === 404)
      return this.#end()
    if (!answer.ok) throw new Error(String(answer.status))
    if (answer.status !== 204) this.#show(await answer.text())
    this.#ask()
  }

  /** @param {string} html which the server has escaped */
  #show(html) {
    const page = new DOMParser().parseFromString(html, "text/html")
    const drawn = page.getElementById("chatkit-live")
    if (!drawn) return
    const { scrollingElement: view } = document
    const isAtEnd =
      !!view && view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END
    redraw(this.#root, drawn)
    for (const name of ["standing", "position", "epoch"])
      this.#root.dataset[name] = drawn.dataset[name] ?? ""
    this.#root.toggleAttribute("data-is-active", drawn.hasAttribute("data-is-active"))
    this.#write()
    if (isAtEnd && view) view.scrollTop = view.scrollHeight
  }

  /** What is being written, as far as it has come. */
  #write() {
    for (const message of this.#subscription?.state.messages ?? []) {
      for (const part of message.parts) {
        if ("content" in part && part.state === "streaming")
          this.#append(part.partId, part.content)
      }
    }
  }

  /**
   * @param {string} id
   * @param {string} text all that was written of it
   */
  #append(id, text) {
    const place = this.#root.querySelector(`[data-part="${CSS.escape(id)}"]`)
    const shown = Number(place?.getAttribute("data-length"))
    if (!place || !(text.length > shown)) return
    place.append(text.slice(shown))
    place.setAttribute("data-length", String(text.length))
  }

  /** Whoever looks is logged out, or the thread is gone. */
  #end() {
    this.#hasEnded = true
    this.#poll.clear()
    this.#subscription?.end()
    this.#connection?.close()
    this.#tell("ended")
  }

  /** @param {"live" | "polling" | "lost" | "ended"} state */
  #tell(state) {
    if (this.#watch.dataset.state === state) return
    this.#watch.dataset.state = state
    this.#watch.textContent = this.#watch.dataset[state] ?? ""
    this.#watch.hidden = false
  }
}
