/** One thread that is watched: its state, what was missed, what must be healed. */

import { Acknowledger } from "./acknowledger.js"
import { Alarm } from "./alarm.js"
import { backoffMs } from "./backoff.js"
import { matchesDigest } from "./protocol.js"
import { apply, emptyState, forget, prepend } from "./store.js"

/**
 * @import { Environment, EventFrame, Notice, PositionFrame, ResetFrame } from "./types.js"
 * @import { Requests } from "./requests.js"
 * @import { Outcome } from "./store.js"
 * @import { Telling } from "./told.js"
 */

/** How long the server may be ahead of us before we ask for what we have missed. */
const BEHIND_MS = 2_000
/** How long a subscribe may go without an answer, on a line that lives. */
const ANSWER_MS = 10_000
/** After so many events that fit, what did not is forgiven. */
const SOUND_EVENTS = 20
/** Whoever asks in vain a second time waits as after so many failures. */
const PATIENCE = 2

/**
 * Events: `change` (the state is another one), `live` (it has caught up since it was subscribed),
 * `told` (detail: a `Telling`; once, when its event comes, and never from a snapshot).
 */
export class Subscription extends EventTarget {
  #state
  #tell
  #env
  #acknowledger
  /** Has the server answered the last subscribe? Until then gaps are expected. */
  #isAwaiting = false
  #isLive = false
  #hasEnded = false
  /** Where the server stood when it last said so. */
  #target = 0
  /** Asked again so often, and nothing came of it. */
  #vain = 0
  /** So often something did not fit. */
  #misfits = 0
  #soundEvents = 0
  /** So many texts in a row had another digest than the server's. */
  #disagreements = 0
  /** What is shown may be wrong: the next subscribe asks for a snapshot. */
  #isDoubtful = false
  /** Up to here the page was told what to do, in that epoch. @type {{ epoch: string | null, position: number }} */
  #toldUntil = { epoch: null, position: 0 }
  /** Counts the snapshots: what was checked of an earlier one says nothing of this. */
  #generation = 0
  /** Subscribes again. */
  #again
  /** The same, for what is shown and may be wrong. */
  #recheck
  /** Notices that what should come does not. */
  #stall
  #stallFrom = 0
  /** @type {Promise<void> | null} */
  #loading = null

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
    this.#again = new Alarm(env, () => this.#subscribe())
    this.#recheck = new Alarm(env, () => this.#subscribe())
    this.#stall = new Alarm(env, () => this.#stalled())
    this.#acknowledger = new Acknowledger(env, (position) => {
      tell({ type: "acknowledge", thread: threadId, position })
    })
  }

  get state() {
    return this.#state
  }

  /** Is what it shows what the server has? */
  get isLive() {
    return this.#isLive
  }

  /** On a new line: from where we are, or, where there is nothing to go on from, from a snapshot. */
  subscribe() {
    this.#vain = 0
    this.#subscribe()
  }

  disconnected() {
    this.#stop()
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
    this.#generation += 1
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
    const outcome = apply(this.#state, frame)
    this.#state = outcome.state
    switch (outcome.kind) {
      case "applied":
        this.#applied(frame, outcome)
        break
      case "gap":
        if (!this.#isAwaiting) this.#askAgain()
        break
      case "unsound":
        this.#heal()
        break
      case "level":
      case "behind":
        this.#compare(frame.position)
        break
      case "ignored":
    }
    this.check()
  }

  /** Timers may have slept: what is due is done now. */
  check() {
    this.#acknowledger.check()
    this.#stall.check()
    this.#again.check()
    this.#recheck.check()
  }

  /** The server asks whether we are here: a moment to tell what has arrived, too. */
  acknowledge() {
    this.#acknowledger.tell()
    this.check()
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

  #subscribe() {
    if (this.#isDoubtful) this.#state = forget(this.#state)
    this.#isDoubtful = false
    const { threadId: thread, epoch, position } = this.#state
    this.#stop()
    this.#isLive = false
    this.#acknowledger.begin(position)
    this.#isAwaiting = this.#tell(
      epoch === null
        ? { type: "subscribe", thread }
        : { type: "subscribe", thread, epoch, position },
    )
    if (this.#isAwaiting) this.#watch(ANSWER_MS)
  }

  /** At once; where that brings nothing, ever more patiently. */
  #askAgain() {
    if (this.#again.isSet) return
    const { random } = this.#env
    const delay = this.#vain === 0 ? 0 : backoffMs(this.#vain + PATIENCE, random)
    this.#vain += 1
    if (delay === 0) this.#subscribe()
    else this.#again.set(delay)
  }

  /**
   * @param {EventFrame | PositionFrame | ResetFrame} frame
   * @param {Outcome} outcome
   */
  #applied(frame, { ended, told }) {
    this.#vain = 0
    this.#soundEvents += 1
    if (this.#soundEvents > SOUND_EVENTS) this.#misfits = 0
    if (frame.type === "reset") this.#restarted(frame)
    else this.#acknowledger.applied(frame.position)
    if (ended) void this.#verify(ended)
    this.dispatchEvent(new Event("change"))
    this.#becomeLive()
    if (told) this.#tellOnce(told)
  }

  /**
   * A snapshot may put us back to before what we know already.
   *
   * @param {Telling} telling of the newest event
   */
  #tellOnce(telling) {
    const { epoch, position } = this.#state
    const until = this.#toldUntil
    if (epoch === until.epoch && position <= until.position) return
    this.#toldUntil = { epoch, position }
    this.dispatchEvent(new CustomEvent("told", { detail: telling }))
  }

  /** @param {ResetFrame} frame */
  #restarted({ position }) {
    this.#generation += 1
    this.#isAwaiting = false
    this.#isDoubtful = false
    this.#target = position
    this.#stop()
    this.#acknowledger.restarted(position)
  }

  /** @param {number} position where the server stands */
  #compare(position) {
    this.#isAwaiting = false
    this.#target = Math.max(this.#state.position, position)
    if (this.#isBehind()) this.#watch(BEHIND_MS)
    else this.#vain = 0
    this.#becomeLive()
  }

  #isBehind() {
    return this.#state.position < this.#target
  }

  #becomeLive() {
    if (this.#isLive || this.#isAwaiting || this.#isBehind()) return
    this.#isLive = true
    this.dispatchEvent(new Event("live"))
  }

  /** @param {number} ms */
  #watch(ms) {
    if (!this.#stall.isSet) this.#stallFrom = this.#state.position
    this.#stall.setBy(ms)
  }

  #stalled() {
    if (!this.#isAwaiting && !this.#isBehind()) return
    // On a slow line the rest may still be coming in.
    if (this.#state.position > this.#stallFrom) this.#watch(BEHIND_MS)
    else this.#askAgain()
  }

  /**
   * The text is shown long before it is checked; only where it is another one a snapshot is asked for.
   *
   * @param {{ content: string, digest: string }} ended
   */
  async #verify({ content, digest }) {
    const generation = this.#generation
    const isSame = await matchesDigest(this.#env.crypto, content, digest)
    if (this.#hasEnded || generation !== this.#generation) return
    if (isSame) this.#disagreements = 0
    else this.#disagree()
  }

  /** Once at once; a server that never agrees shall not be asked for ever more snapshots. */
  #disagree() {
    this.#isDoubtful = true
    const count = this.#disagreements
    this.#disagreements += 1
    if (count === 0) this.#subscribe()
    else this.#recheck.setBy(backoffMs(count + PATIENCE, this.#env.random))
  }

  /** What has come does not fit, and nothing more will: ask for a snapshot, ever more patiently. */
  #heal() {
    this.#isLive = false
    const delay = this.#misfits === 0 ? 0 : backoffMs(this.#misfits, this.#env.random)
    this.#misfits += 1
    this.#soundEvents = 0
    if (delay === 0) this.#subscribe()
    else this.#again.setBy(delay)
  }

  #stop() {
    this.#acknowledger.stop()
    for (const alarm of [this.#stall, this.#again, this.#recheck]) alarm.clear()
  }
}
