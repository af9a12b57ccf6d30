/** One WebSocket after the other: opened, watched, closed, and opened again when it is lost. */

import { Alarm } from "./alarm.js"
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
import { Pulse } from "./pulse.js"
import { listen } from "./surroundings.js"

/** @import { Requests } from "./requests.js" */
/** @import { ClientFrame, Command, Environment, HelloFrame, ServerFrame } from "./types.js" */

/** A socket that has not said hello by then is given up. */
const HELLO_MS = 15_000
/** After so long the attempts are counted from zero again: a server that drops everybody at once is spared. */
const STABLE_MS = 5_000
/** Waking up is no reason to knock more often than this. */
const KNOCK_MS = 500
/** From here on a close code is the application's own: somebody was there. */
const OWN_CODES = 4_000
const DEFAULT_MAX_FRAME_BYTES = 65_536

/**
 * Events: `open` (the server said hello), `frame` (detail: one that answers no command of ours),
 * `down` (an open one is lost), `state`, `failed` (detail: the `ChatKitError`; only if that is
 * `unreachable` it goes on trying), `leaving` (the page goes, perhaps for ever; a last word can be said),
 * `awake` (the page may have slept, or the network is another one: what is due may be late).
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
  #triedAt = Number.NEGATIVE_INFINITY
  #attempts = new Attempts()
  /** Why it was closed, if not by hand. @type {ChatKitError | null} */
  #failure = null
  #hasWarned = false
  /** The threads of which the server owes us frames. @type {Set<string>} */
  #watched = new Set()
  #outbox = new Outbox((command) => this.tell(command))
  #retry
  #helloDue
  #stable
  #pulse
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
    this.#retry = new Alarm(env, () => this.#connect())
    this.#helloDue = new Alarm(env, () => this.giveUp())
    this.#stable = new Alarm(env, () => {
      this.#attempt = 0
    })
    this.#pulse = new Pulse({
      env,
      isExpecting: () => this.#watched.size > 0 || this.#outbox.isWaiting,
      probe: () => this.tell({ type: "pong" }),
      dead: () => this.giveUp(),
    })
    listen(env.window, {
      away: () => this.#suspend(),
      back: () => this.#resume(),
      awake: () => this.#awake(),
    })
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
    const isNow = this.#state === "closed" || this.#retry.isSet
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
    if (frame.type === "subscribe") this.#watched.add(frame.thread)
    if (frame.type === "unsubscribe") this.#watched.delete(frame.thread)
    return true
  }

  /**
   * Until it is accepted or refused it is sent again on every new connection, with the same id.
   * Where nobody could be reached it causes one more attempt, and is refused if that fails too.
   *
   * @param {Command} command
   * @param {import("./outbox.js").Asking} [options]
   */
  ask(command, options) {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    if (this.#state === "open") this.#pulse.asked()
    const asked = this.#outbox.ask(command, { viewer: this.viewer, ...options })
    if (this.#attempts.isUnreachable && this.#retry.isSet) this.#connect()
    return asked
  }

  /** What a sleeping timer would have done is done now; a line that seems open may be dead. */
  #awake() {
    if (this.#env.isHidden()) return
    const isSoon = this.#env.now() - this.#triedAt < KNOCK_MS
    if (this.#retry.isSet && !isSoon) return this.#connect()
    this.#helloDue.check()
    this.#stable.check()
    if (this.#state === "open") this.#pulse.doubt()
    this.dispatchEvent(new Event("awake"))
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
    this.#triedAt = this.#env.now()
    const socket = new this.#env.WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#receive(data)
    })
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#lost(code)
    })
    this.#helloDue.set(HELLO_MS)
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#pulse.heard()
    this.#stable.check()
    const frame = decodeFrame(data)
    if (frame === null) return
    const isOfThread = frame.type === "error" && frame.id === undefined
    if (isOfThread && frame.thread) this.#watched.delete(frame.thread)
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
    this.#stable.set(STABLE_MS)
    this.#watched.clear()
    this.#pulse.start()
    this.#setState("open")
    this.dispatchEvent(new Event("open"))
    this.#outbox.resend(hello.viewer)
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
    const isNobodyThere = this.#hello === null && code < OWN_CODES
    if (isNobodyThere && this.#env.isOnline()) this.#unanswered()
  }

  /** Nobody was ever there: what was sent must not look as if it were on its way. */
  #unanswered() {
    const isNew = this.#attempts.unanswered()
    if (!this.#attempts.isUnreachable) return
    const error = new ChatKitError("unreachable", "The chat cannot be reached.")
    this.#outbox.abandon(error, { withPatient: false })
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
    this.#retry.set(ms)
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
    for (const alarm of [this.#retry, this.#helloDue, this.#stable]) alarm.clear()
    this.#pulse.stop()
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
