/** One thread that is watched: its state, what was missed, what is acknowledged, what must be healed. */

import { backoffMs } from "./backoff.js"
import { matchesDigest } from "./protocol.js"
import { apply, emptyState, forget, prepend } from "./store.js"

/**
 * @import { Environment, EventFrame, Notice, PositionFrame, ResetFrame } from "./types.js"
 * @import { Requests } from "./requests.js"
 * @import { Outcome } from "./store.js"
 */

const ACKNOWLEDGE_EVENTS = 20
const ACKNOWLEDGE_MS = 1_000
/** A long replay would otherwise be acknowledged in more frames than the server allows in a second. */
const ACKNOWLEDGE_GAP_MS = 100
/** How long the server may be ahead of us before we ask for what we have missed. */
const BEHIND_MS = 2_000
/** The server tells of a watched thread every few seconds; a silence this long is a dead line. */
const SILENCE_MS = 30_000

/**
 * Events: `change` (the state is another one), `live` (it has caught up since it was subscribed),
 * `silent` (nothing was heard for far too long).
 */
export class Subscription extends EventTarget {
  #state
  #tell
  #env
  /** Has the server answered the last subscribe? Until then gaps are expected. */
  #isAwaiting = false
  #isLive = false
  /** Where the server stood when it last said so. */
  #target = 0
  #acknowledged = 0
  #acknowledgedAt = 0
  #healings = 0
  #soundEvents = 0
  #hasEnded = false
  #heardAt = 0
  /** @type {Promise<void> | null} */
  #loading = null
  /** @type {{ acknowledge?: unknown, behind?: unknown, heal?: unknown, silence?: unknown }} */
  #timers = {}

  /**
   * @param {object} options
   * @param {string} options.threadId
   * @param {(frame: Notice) => boolean} options.tell
   * @param {Environment} options.env
   */
  constructor({ threadId, tell, env }) {
    super()
    this.#state = emptyState(threadId)
    this.#tell = tell
    this.#env = env
  }

  get state() {
    return this.#state
  }

  /** Is what it shows what the server has? */
  get isLive() {
    return this.#isLive
  }

  /** From where we are, or, where there is nothing to go on from, from a snapshot. */
  subscribe() {
    const { threadId: thread, epoch, position } = this.#state
    this.#clearTimers()
    this.#isLive = false
    this.#acknowledged = position
    this.#heardAt = this.#env.now()
    this.#watchSilence()
    this.#isAwaiting = this.#tell(
      epoch === null
        ? { type: "subscribe", thread }
        : { type: "subscribe", thread, epoch, position },
    )
  }

  disconnected() {
    this.#clearTimers()
    this.#isAwaiting = false
    this.#isLive = false
  }

  /** No more of it. */
  end() {
    this.disconnected()
    this.#hasEnded = true
    // What was never there needs no farewell.
    if (this.#state.thread)
      this.#tell({ type: "unsubscribe", thread: this.#state.threadId })
  }

  /** Another viewer is at the door: nothing of what was shown is theirs. */
  clear() {
    this.#state = emptyState(this.#state.threadId)
    this.dispatchEvent(new Event("change"))
  }

  /**
   * Older messages, before the first one here; asked for once, however often.
   *
   * @param {Requests} requests
   */
  loadEarlier(requests) {
    this.#loading ??= this.#loadEarlier(requests).finally(() => {
      this.#loading = null
    })
    return this.#loading
  }

  /** @param {EventFrame | PositionFrame | ResetFrame} frame */
  receive(frame) {
    if (frame.thread !== this.#state.threadId) return
    this.#heardAt = this.#env.now()
    const outcome = apply(this.#state, frame)
    this.#state = outcome.state
    switch (outcome.kind) {
      case "applied":
        return this.#applied(frame, outcome)
      case "gap":
        return this.#isAwaiting ? undefined : this.subscribe()
      case "unsound":
        return this.#heal()
      case "level":
      case "behind":
        return this.#compare(frame.position)
      case "ignored":
    }
  }

  /** The server asks whether we are here: a moment to tell what has arrived, too. */
  acknowledge() {
    const { threadId: thread, position } = this.#state
    this.#env.clearTimeout(this.#timers.acknowledge)
    this.#timers.acknowledge = undefined
    if (position <= this.#acknowledged) return
    this.#acknowledged = position
    this.#acknowledgedAt = this.#env.now()
    this.#tell({ type: "acknowledge", thread, position })
  }

  /** @param {Requests} requests */
  async #loadEarlier(requests) {
    const { hasEarlier, messages, threadId } = this.#state
    const first = messages[0]
    if (!first || !hasEarlier) return
    const page = await requests.earlier(threadId, first.id)
    // A reset may have come in between.
    if (this.#hasEnded || this.#state.messages[0]?.id !== first.id) return
    this.#state = prepend(this.#state, page)
    this.dispatchEvent(new Event("change"))
  }

  /**
   * @param {EventFrame | PositionFrame | ResetFrame} frame
   * @param {Outcome} outcome
   */
  #applied(frame, { ended }) {
    if (frame.type === "reset") this.#restarted(frame)
    this.#soundEvents += 1
    if (this.#soundEvents > ACKNOWLEDGE_EVENTS) this.#healings = 0
    if (ended) void this.#check(ended)
    this.#planAcknowledge()
    this.dispatchEvent(new Event("change"))
    this.#becomeLive()
  }

  /** @param {ResetFrame} frame */
  #restarted({ position }) {
    this.#isAwaiting = false
    this.#target = position
    this.#acknowledged = Math.min(this.#acknowledged, position - 1)
  }

  /** One timer, not one a frame. */
  #watchSilence() {
    const rest = this.#heardAt + SILENCE_MS - this.#env.now()
    if (rest <= 0) this.dispatchEvent(new Event("silent"))
    else this.#timers.silence = this.#env.setTimeout(() => this.#watchSilence(), rest)
  }

  /** @param {number} position where the server stands */
  #compare(position) {
    this.#isAwaiting = false
    this.#target = Math.max(this.#state.position, position)
    if (position > this.#state.position) this.#watchBehind()
    this.#becomeLive()
  }

  #becomeLive() {
    if (this.#isLive || this.#isAwaiting || this.#state.position < this.#target) return
    this.#isLive = true
    this.dispatchEvent(new Event("live"))
  }

  #watchBehind() {
    if (this.#timers.behind !== undefined) return
    const { position } = this.#state
    const target = this.#target
    this.#timers.behind = this.#env.setTimeout(() => {
      this.#timers.behind = undefined
      if (this.#state.position >= target) return
      // On a slow line the rest may still be coming in.
      if (this.#state.position > position) this.#watchBehind()
      else this.subscribe()
    }, BEHIND_MS)
  }

  #planAcknowledge() {
    const fresh = this.#state.position - this.#acknowledged
    const gap = this.#acknowledgedAt + ACKNOWLEDGE_GAP_MS - this.#env.now()
    if (fresh >= ACKNOWLEDGE_EVENTS && gap <= 0) return this.acknowledge()
    const isUrgent = fresh === ACKNOWLEDGE_EVENTS
    if (this.#timers.acknowledge !== undefined && !isUrgent) return
    this.#env.clearTimeout(this.#timers.acknowledge)
    this.#timers.acknowledge = this.#env.setTimeout(
      () => this.acknowledge(),
      fresh >= ACKNOWLEDGE_EVENTS ? gap : ACKNOWLEDGE_MS,
    )
  }

  /** @param {{ content: string, digest: string }} ended */
  async #check({ content, digest }) {
    const { epoch } = this.#state
    if (await matchesDigest(this.#env.crypto, content, digest)) return
    if (this.#hasEnded || epoch !== this.#state.epoch) return
    this.#state = forget(this.#state)
    this.#heal()
  }

  /** What we have is not what the server has: ask for a snapshot, ever more patiently. */
  #heal() {
    this.#isLive = false
    const delay = this.#healings === 0 ? 0 : backoffMs(this.#healings, this.#env.random)
    this.#healings += 1
    this.#soundEvents = 0
    if (delay === 0) return this.subscribe()
    this.#env.clearTimeout(this.#timers.heal)
    this.#timers.heal = this.#env.setTimeout(() => this.subscribe(), delay)
  }

  #clearTimers() {
    for (const timer of Object.values(this.#timers)) this.#env.clearTimeout(timer)
    this.#timers = {}
  }
}
