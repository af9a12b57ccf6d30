/** What the element says: its words, where a tool call stands, and what is announced. */

import assert from "node:assert/strict"
import { test } from "node:test"
import {
  endOfSentences,
  spokenText,
} from "../../chatkit_app/static/chatkit_app/element-announcer.js"
import {
  Calm,
  canReconnect,
  codeFor,
  connectionWords,
  refusalWords,
} from "../../chatkit_app/static/chatkit_app/element-connection.js"
import {
  askedAgainWords,
  runWords,
} from "../../chatkit_app/static/chatkit_app/element-run.js"
import { sinceWords } from "../../chatkit_app/static/chatkit_app/element-since.js"
import {
  ENGLISH,
  errorWords,
  readList,
  readTable,
  wordsFrom,
} from "../../chatkit_app/static/chatkit_app/element-strings.js"
import {
  decisionWords,
  prettyJson,
  toolPhase,
  toolTitle,
} from "../../chatkit_app/static/chatkit_app/element-tool-words.js"

const call = (more = {}) => ({
  type: "tool-call",
  id: "c1",
  partId: "p1",
  name: "highlight_product",
  arguments: "{}",
  input: {},
  state: "input-complete",
  status: "waiting",
  executor: "client",
  claimedBy: null,
  progress: null,
  ...more,
})
const asked = (kind, more = {}) => ({ id: "i1", kind, approver: null, ...more })
const here = { result: null, hasHandler: true, tab: "this-tab" }

test("the page's words stand in front of the English ones", () => {
  const words = wordsFrom({ send: "Senden" })

  assert.equal(words("send"), "Senden")
  assert.equal(words("stop"), ENGLISH.stop)
  assert.equal(words("refused", { reason: "{send}" }), "Not sent: {send}")
})

test("a broken table or list of the page is an empty one", () => {
  assert.deepEqual(readTable("{"), {})
  assert.deepEqual(readTable('{"a": 1, "b": "x", "c": ""}'), { b: "x" })
  assert.deepEqual(readList('["a", 1]'), ["a"])
  assert.deepEqual(readList("nonsense"), [])
})

test("an error that has no words of its own keeps those it came with", () => {
  const words = wordsFrom({})

  assert.equal(errorWords(words, "rate_limited", "x"), ENGLISH.errorRateLimited)
  assert.equal(errorWords(words, "invalid_command", "Too long."), "Too long.")
  assert.equal(errorWords(words, null, "x"), "x")
})

for (const [name, part, page, expected] of [
  [
    "nothing of it is there yet",
    { status: "streaming", state: "awaiting-input" },
    here,
    "toolAwaitingInput",
  ],
  [
    "its arguments come in",
    { status: "streaming", state: "input-streaming" },
    here,
    "toolReadingInput",
  ],
  [
    "the server runs it",
    { status: "running", executor: "server" },
    here,
    "toolRunning",
  ],
  ["this page will run it", {}, here, "toolWaiting"],
  ["this page runs it", { claimedBy: "this-tab" }, here, "toolHere"],
  [
    "another tab runs it",
    { claimedBy: "that-tab" },
    { ...here, hasHandler: false },
    "toolElsewhere",
  ],
  ["this page cannot run it", {}, { ...here, hasHandler: false }, "toolNoHandler"],
  [
    "the visitor must approve it",
    { interrupt: asked("approval", { approver: "visitor" }) },
    here,
    "toolApproval",
  ],
  [
    "staff must approve it",
    { interrupt: asked("approval", { approver: "staff" }) },
    here,
    "toolStaff",
  ],
  ["it asks", { interrupt: asked("question") }, here, "toolQuestion"],
  [
    "the answer is on its way",
    { interrupt: asked("question") },
    { ...here, isResolving: true },
    "toolAnswering",
  ],
  [
    "a page's tool is no person's matter",
    { interrupt: asked("client_tool") },
    here,
    "toolWaiting",
  ],
  ["a job does it", { executor: "job", waitsFor: "job" }, here, "toolJob"],
  ["it is done", { status: "completed", output: null }, here, "toolDone"],
  ["it failed", { status: "failed" }, here, "toolFailed"],
  ["it was cancelled", { status: "cancelled" }, here, "toolCancelled"],
]) {
  test(`a tool call says where it stands: ${name}`, () => {
    assert.equal(toolPhase(call(part), page).words, expected)
    assert.ok(ENGLISH[expected])
  })
}

for (const [code, expected, tone] of [
  ["denied", "toolDenied", "cancelled"],
  ["answered_instead", "toolAnswered", "cancelled"],
  ["approval_expired", "toolExpired", "attention"],
  ["question_expired", "toolExpired", "attention"],
  ["superseded", "toolSuperseded", "cancelled"],
  ["cancelled", "toolCancelled", "cancelled"],
  ["deadline", "toolOutOfTime", "failed"],
  ["tool_timeout", "toolOutOfTime", "failed"],
  ["outcome_unknown", "toolOutcomeUnknown", "attention"],
  ["not_permitted", "toolNotPermitted", "failed"],
  ["tool_error", "toolFailed", "failed"],
  ["constructor", "toolFailed", "failed"],
]) {
  test(`a call that has ended says why: ${code}`, () => {
    const result = { state: "error", error: { code, text: "x" } }
    const phase = toolPhase(call({ status: "failed" }), { ...here, result })

    assert.deepEqual([phase.words, phase.tone], [expected, tone])
    assert.ok(ENGLISH[expected])
    assert.ok(!phase.hint || ENGLISH[phase.hint])
  })
}

test("who decided about a call is told, and how", () => {
  const told = (decision, by) => decisionWords({ decision, by })

  assert.equal(decisionWords(null), "")
  assert.equal(told(null, null), "")
  assert.equal(told("edit", "visitor"), "decidedEdit")
  assert.equal(told("deny", "staff"), "decidedDenyStaff")
  for (const decision of ["approve", "edit", "deny", "respond"]) {
    for (const by of ["visitor", "staff"]) assert.ok(ENGLISH[told(decision, by)])
  }
})

test("a tool's name and its JSON are made readable", () => {
  assert.equal(toolTitle("order_status"), "Order status")
  assert.equal(toolTitle("_"), "_")
  assert.equal(prettyJson('{"a":1}'), '{\n  "a": 1\n}')
  assert.equal(prettyJson('{"a":'), '{"a":')
  assert.equal(prettyJson(null), "null")
})

test("a run that ended early says why", () => {
  const words = wordsFrom({})
  const run = { id: "r", answerId: "m", errorText: null }

  assert.equal(
    runWords(words, { ...run, status: "cancelled", errorCode: null }),
    ENGLISH.stopped,
  )
  assert.equal(
    runWords(words, { ...run, status: "failed", errorCode: "provider_unavailable" }),
    ENGLISH.errorProviderUnavailable,
  )
  assert.equal(
    runWords(words, { ...run, status: "failed", errorCode: "something_new" }),
    ENGLISH.errorFailed,
  )
  const errorText = "Ihr Budget für heute ist aufgebraucht."
  assert.equal(
    runWords(words, { ...run, status: "failed", errorCode: "budget_spent", errorText }),
    errorText,
  )
})

for (const [name, line, expected, isForThem] of [
  ["it is there", { state: "open" }, "", false],
  ["it is made", { state: "connecting" }, ENGLISH.connecting, false],
  ["it is lost", { state: "reconnecting" }, ENGLISH.reconnecting, false],
  ["it was closed by the page", { state: "closed" }, "", false],
  ["it ended", { state: "closed", code: "bad_frames" }, ENGLISH.closed, true],
  [
    "nobody was ever reached",
    { state: "connecting", code: "unreachable" },
    ENGLISH.errorUnreachable,
    true,
  ],
  [
    "somebody who never was anybody is not let in",
    { state: "closed", code: "no_viewer" },
    ENGLISH.errorNoViewer,
    true,
  ],
  [
    "a visitor is not let in again",
    { state: "closed", code: "no_viewer", viewer: "v:1" },
    ENGLISH.errorNoViewer,
    true,
  ],
  [
    "a user is not let in again",
    { state: "closed", code: "no_viewer", viewer: "u:1" },
    ENGLISH.errorSignedOut,
    true,
  ],
]) {
  test(`the connection says how it stands: ${name}`, () => {
    const { state, code, viewer = null } = line
    const error = code ? { code, message: "x" } : null

    assert.equal(connectionWords(wordsFrom({}), { state, error, viewer }), expected)
    assert.equal(canReconnect({ state, error, viewer }), isForThem)
  })
}

test("a refusal says why, and when to try again", () => {
  const words = wordsFrom({})
  const said = (error) => refusalWords(words, error, "u:1")

  assert.equal(
    said({ code: "rate_limited", message: "x", retryMs: 1_200 }),
    "Not sent: You are writing very fast. Try again in 2 s.",
  )
  assert.match(said({ code: "approval_pending", message: "x" }), /member of staff/)
  assert.equal(said({ code: "new_code", message: "Why." }), "Not sent: Why.")
  assert.equal(said(null), "Not sent: Something went wrong.")
  assert.equal(
    said({ code: "budget_spent", message: "Nothing is left.", retryMs: 43_200_000 }),
    "Not sent: Nothing is left.",
  )
})

test("only who had been a user can have been signed out", () => {
  assert.equal(codeFor("no_viewer", "u:1"), "signed_out")
  assert.equal(codeFor("no_viewer", null), "no_viewer")
  assert.equal(codeFor("rate_limited", "u:1"), "rate_limited")
})

test("only finished sentences are announced", () => {
  const text = "Your order is on its way. It comes tomor"

  assert.equal(text.slice(0, endOfSentences(text, 0)), "Your order is on its way.")
  assert.equal(endOfSentences(text, 25), 25)
})

test("the number of a list's item is no end of a sentence", () => {
  assert.equal(endOfSentences("Two things:\n1. first", 11), 11)
})

test("a sentence in code that is still open is not announced", () => {
  const text = "See this:\n\n```\nA line. Another line.\n"

  assert.equal(text.slice(0, endOfSentences(text, 0)).trim(), "See this:")
})

test("what is spoken has no marks, and code is named only", () => {
  const markdown =
    "**Bold** and [a link](https://x.test), `x`.\n\n```js\nlet a\n```\n\n- one\n- two"

  assert.equal(spokenText(markdown, "Code"), "Bold and a link, x. Code. one two")
})

test("the time of a thread is told as people tell it", () => {
  const now = new Date("2026-03-10T12:00:00Z")
  const ago = (seconds) => new Date(now.getTime() - seconds * 1000)

  assert.equal(sinceWords(ago(5), now, "en"), "now")
  assert.equal(sinceWords(ago(7200), now, "en"), "2 hours ago")
  assert.equal(sinceWords(ago(86_400), now, "de"), "gestern")
  assert.match(sinceWords(ago(30 * 86_400), now, "en"), /2026/)
  assert.equal(sinceWords(new Date("nonsense"), now, "en"), "")
  assert.equal(sinceWords(ago(5), now, "no language!").length > 0, true)
})

for (const [name, run, expected] of [
  ["nothing broke off", { status: "in_progress", retry: null }, ""],
  [
    "the model is busy",
    { status: "in_progress", retry: { code: "provider_rate_limited" } },
    ENGLISH.askedAgainBusy,
  ],
  [
    "the model went away",
    { status: "queued", retry: { code: "provider_unavailable" } },
    ENGLISH.askedAgainUnavailable,
  ],
  [
    "the server's process died",
    { status: "in_progress", retry: { code: "run_interrupted" } },
    ENGLISH.askedAgain,
  ],
  [
    "for a reason that is newer than the page",
    { status: "in_progress", retry: { code: "constructor" } },
    ENGLISH.askedAgain,
  ],
  [
    "the visitor has stopped it",
    { status: "cancelling", retry: { code: "run_interrupted" } },
    "",
  ],
  ["it has ended", { status: "failed", retry: { code: "run_interrupted" } }, ""],
  ["there is no run", null, ""],
]) {
  test(`an answer that is asked again says so: ${name}`, () => {
    assert.equal(askedAgainWords(wordsFrom({}), run), expected)
  })
}

test("a line that is back within a moment was never gone", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] })
  let changes = 0
  const calm = new Calm(() => {
    changes += 1
  })
  const lost = { state: "reconnecting", error: null, viewer: null }
  const open = { ...lost, state: "open" }

  assert.equal(calm.isCalm(lost), true)
  context.mock.timers.tick(900)
  assert.equal(calm.isCalm(open), false)
  context.mock.timers.tick(5_000)
  assert.equal(changes, 0)

  assert.equal(calm.isCalm(lost), true)
  context.mock.timers.tick(1_000)
  assert.equal(changes, 1)
  assert.equal(calm.isCalm(lost), false)
  const unreachable = { ...lost, error: { code: "unreachable" } }
  calm.isCalm(open)
  assert.equal(calm.isCalm(unreachable), false, "what needs a person is said at once")
})
