/** One WebSocket after the other: opened, watched, closed, and opened again when it is lost. */

import { Attempts, LIKELY_CAUSES } from "./attempts.js"
import { backoffMs, restartMs } from "./backoff.js"
import { socketUrl } from "./environment.js"
import { Outbox } from "./outbox.js"
import {
  ChatKitError,
  CloseCode,
  decodeFrame,
  encodeFrame,
  PROTOCOL_VERSION,
} from "./protocol.js"

/** @import { Requests } from "./requests.js" */
/** @import { ClientFrame, Command, Environment, HelloFrame, ServerFrame } from "./types.js" */

/** A socket that has not said hello by then is given up. */
const HELLO_MS = 15_000
/** After so long the attempts are counted from zero again: a server that drops everybody at once is spared. */
const STABLE_MS = 5_000
/** From here on a close code is the application's own: somebody was there. */
const OWN_CODES = 4_000
const DEFAULT_MAX_FRAME_BYTES = 65_536

/**
 * Events: `open` (the server said hello), `frame` (detail: one that answers no command of ours),
 * `down` (an open one is lost), `state`, `failed` (detail: the `ChatKitError`; only if that is
 * `unreachable` it goes on trying), `leaving` (the page goes, perhaps for ever; a last word can be said).
 *
 * @typedef {"closed" | "connecting" | "open" | "reconnecting"} ConnectionState
 */
export class Connection extends EventTarget {
  /** @type {ConnectionState} */
  #state = "closed"
  /** @type {WebSocket | null} */
  #socket = null
  /** @type {HelloFrame | null} */
  #hello = null
  #attempt = 0
  #attempts = new Attempts()
  /** Why it was closed, if not by hand. @type {ChatKitError | null} */
  #failure = null
  #hasWarned = false
  /** @type {{ retry?: unknown, hello?: unknown, stable?: unknown }} */
  #timers = {}
  #outbox = new Outbox((command) => this.tell(command))
  #url
  #requests
  #env

  /**
   * @param {object} options
   * @param {URL} options.mount
   * @param {Requests} options.requests
   * @param {Environment} options.env
   */
  constructor({ mount, requests, env }) {
    super()
    this.#url = socketUrl(mount)
    this.#requests = requests
    this.#env = env
    env.window?.addEventListener("online", () => this.#hurry())
    env.window?.addEventListener("pagehide", () => this.#suspend())
    env.window?.addEventListener("pageshow", () => this.#resume())
  }

  get state() {
    return this.#state
  }

  /** `u:<id>` or `v:<uuid>`; null before the first hello. */
  get viewer() {
    return this.#hello?.viewer ?? null
  }

  get maxFrameBytes() {
    return this.#hello?.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES
  }

  /** While it waits for its next attempt: that is made now. */
  open() {
    if (this.#state === "open") return
    const isNow = this.#state === "closed" || this.#timers.retry !== undefined
    this.#attempt = 0
    this.#attempts = new Attempts()
    this.#failure = null
    if (this.#state === "closed") this.#setState("connecting")
    if (isNow) this.#connect()
  }

  close() {
    this.#failure = null
    this.#drop()
    this.#setState("closed")
  }

  /**
   * @param {ClientFrame} frame
   * @returns {boolean} was there a connection to send it on?
   * @throws {ChatKitError} It can't be sent at all.
   */
  tell(frame) {
    const text = encodeFrame(frame, this.maxFrameBytes)
    if (this.#state !== "open") return false
    this.#socket?.send(text)
    return true
  }

  /**
   * Until it is accepted or refused it is sent again on every new connection, with the same id.
   * Where nobody could be reached it causes one more attempt, and is refused if that fails too.
   *
   * @param {Command} command
   * @param {{ repeat?: boolean }} [options] `repeat: false`: a lost connection refuses it
   */
  ask(command, options) {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const asked = this.#outbox.ask(command, options)
    if (this.#attempts.isUnreachable && this.#timers.retry) this.#connect()
    return asked
  }

  /** Connect at once instead of when the back-off says so; an open line is tried by a word. */
  #hurry() {
    if (this.#state === "open") this.tell({ type: "pong" })
    if (this.#timers.retry === undefined) return
    this.#attempt = 0
    this.#connect()
  }

  /** The page is put away: a page with an open socket can't go to the back/forward cache. */
  #suspend() {
    if (this.#state === "closed") return
    this.dispatchEvent(new Event("leaving"))
    this.#drop()
    this.#setState("reconnecting")
  }

  /** The page is back. */
  #resume() {
    if (this.#state !== "reconnecting" || this.#socket !== null) return
    this.#attempt = 0
    this.#connect()
  }

  #connect() {
    this.#clearTimers()
    const socket = new this.#env.WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#receive(data)
    })
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#lost(code)
    })
    this.#timers.hello = this.#env.setTimeout(() => this.giveUp(), HELLO_MS)
  }

  /** @param {unknown} data */
  #receive(data) {
    const frame = decodeFrame(data)
    if (frame === null) return
    if (frame.type === "hello") this.#greet(frame)
    else if (isAnswer(frame)) this.#outbox.settle(frame)
    else {
      if (frame.type === "ping") this.tell({ type: "pong" })
      this.dispatchEvent(new CustomEvent("frame", { detail: frame }))
    }
  }

  /** @param {HelloFrame} hello */
  #greet(hello) {
    if (hello.protocol > PROTOCOL_VERSION) {
      const text = `The server speaks version ${hello.protocol} of the protocol.`
      return this.#fail(new ChatKitError("unsupported_protocol", text))
    }
    this.#hello = hello
    this.#attempts.greeted()
    this.#clearTimers()
    this.#timers.stable = this.#env.setTimeout(() => {
      this.#attempt = 0
    }, STABLE_MS)
    this.#setState("open")
    this.dispatchEvent(new Event("open"))
    this.#outbox.resend()
  }

  /** The line is dead, and the browser would notice much later. */
  giveUp() {
    const socket = this.#socket
    this.#lost(1006)
    socket?.close()
  }

  /** @param {number} code of the close */
  #lost(code) {
    const wasOpen = this.#state === "open"
    this.#socket = null
    this.#clearTimers()
    if (code === CloseCode.BAD_FRAMES) {
      return this.#fail(
        new ChatKitError("bad_frames", "The server refused our frames."),
      )
    }
    this.#setState(
      wasOpen || this.#state === "reconnecting" ? "reconnecting" : "connecting",
    )
    if (wasOpen) this.#down()
    if (code === CloseCode.NO_VIEWER) return void this.#becomeVisitor()
    this.#retryAfter(this.#delayFor(code))
    if (this.#hello === null && code < OWN_CODES) this.#unanswered()
  }

  /** Nobody was ever there: what was sent must not look as if it were on its way. */
  #unanswered() {
    const isNew = this.#attempts.unanswered()
    if (!this.#attempts.isUnreachable) return
    const error = new ChatKitError("unreachable", "The chat cannot be reached.")
    this.#outbox.abandon(error)
    if (!isNew) return
    if (!this.#hasWarned)
      this.#env.warn(`No WebSocket at ${this.#url}. ${LIKELY_CAUSES}`)
    this.#hasWarned = true
    this.dispatchEvent(new CustomEvent("failed", { detail: error }))
  }

  /** @param {number} code */
  #delayFor(code) {
    if (code === CloseCode.RESTARTING) return restartMs(this.#env.random)
    const delay = backoffMs(this.#attempt, this.#env.random)
    this.#attempt += 1
    return delay
  }

  /** @param {number} ms */
  #retryAfter(ms) {
    this.#timers.retry = this.#env.setTimeout(() => this.#connect(), ms)
  }

  async #becomeVisitor() {
    if (!this.#attempts.askForVisitor(this.#env.now())) {
      return this.#fail(new ChatKitError("no_viewer", "Nobody is at the door."))
    }
    const refused = await this.#requests.makeVisitor().then(
      () => null,
      (/** @type {ChatKitError} */ error) => error,
    )
    // Meanwhile it may have been closed, or reconnected by hand.
    if (this.#state === "closed" || this.#socket !== null) return
    if (refused === null) return this.#connect()
    if (refused.code !== "unreachable") return this.#fail(refused)
    this.#attempts.visitorNotAsked()
    this.#retryAfter(this.#delayFor(CloseCode.NO_VIEWER))
  }

  /** @param {ChatKitError} error */
  #fail(error) {
    this.#drop()
    this.#failure = error
    this.#setState("closed")
    this.#outbox.abandon(error)
    this.dispatchEvent(new CustomEvent("failed", { detail: error }))
  }

  /** Let go of the socket, whatever it still has to say. */
  #drop() {
    const socket = this.#socket
    const wasOpen = this.#state === "open"
    this.#socket = null
    this.#clearTimers()
    socket?.close(1000)
    if (!wasOpen) return
    this.#setState("reconnecting")
    this.#down()
  }

  #down() {
    this.#outbox.disconnected()
    this.dispatchEvent(new Event("down"))
  }

  #clearTimers() {
    for (const timer of Object.values(this.#timers)) this.#env.clearTimeout(timer)
    this.#timers = {}
  }

  /** @param {ConnectionState} state */
  #setState(state) {
    if (state === this.#state) return
    this.#state = state
    this.dispatchEvent(new Event("state"))
  }
}

/**
 * @param {ServerFrame} frame
 * @returns {frame is import("./types.js").AcceptedFrame | import("./types.js").ErrorFrame}
 */
function isAnswer(frame) {
  return frame.type === "accepted" || (frame.type === "error" && frame.id !== undefined)
}
