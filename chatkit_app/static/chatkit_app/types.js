/** The shapes of what travels and of what is shown: types alone, nothing to run. */

/**
 * @typedef {null | boolean | number | string | Json[] | { [key: string]: Json }} Json
 *
 * @typedef {object} Environment what the browser gives and a test may replace
 * @property {typeof globalThis.WebSocket} WebSocket
 * @property {typeof globalThis.fetch} fetch
 * @property {(run: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {(run: () => void) => void} schedule when "change" is told; many changes, one event
 * @property {() => number} random from 0 up to 1
 * @property {() => number} now milliseconds of a clock that nobody sets
 * @property {() => number} date milliseconds as the calendar has them; for what outlives the page
 * @property {() => boolean} isHidden does nobody look at the page?
 * @property {() => boolean} isOnline false: the browser knows of no network
 * @property {() => Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} storage what
 *   outlives a reload; may throw
 * @property {(text: string) => void} warn tells the developer
 * @property {Pick<Crypto, "getRandomValues"> & { subtle?: SubtleCrypto }} crypto
 * @property {EventTarget | null} window tells of pagehide, pageshow, online and their like
 * @property {string} base the page's own address, to which `url` is relative
 */

/**
 * @typedef {{ type: "hello", protocol: number, viewer: string, maxFrameBytes: number }} HelloFrame
 * @typedef {{ type: "event", thread: string, position: number, event: ThreadEvent }} EventFrame
 * @typedef {{ type: "position", thread: string, epoch: string, position: number }} PositionFrame
 * @typedef {{ type: "reset", thread: string, epoch: string, position: number,
 *   snapshot: Snapshot }} ResetFrame
 * @typedef {{ type: "accepted", id: string, thread?: string, run?: string, message?: string,
 *   toolCall?: string, interrupts?: string[] }} AcceptedFrame
 * @typedef {{ type: "error", code: string, message: string, id?: string, thread?: string,
 *   retryMs?: number, errors?: AnswerProblem[] }} ErrorFrame
 * @typedef {{ type: "ping" }} PingFrame
 * @typedef {{ type: "threads.changed" | "approvals.changed" }} RingFrame
 * @typedef {HelloFrame | EventFrame | PositionFrame | ResetFrame | AcceptedFrame | ErrorFrame
 *   | PingFrame | RingFrame} ServerFrame
 */

/**
 * @typedef {{ type: "subscribe", thread: string, epoch?: string, position?: number }
 *   | { type: "unsubscribe", thread: string }
 *   | { type: "acknowledge", thread: string, position: number }
 *   | { type: "pong" | "watch" }} Notice what is told without expecting an answer
 * @typedef {{ type: "send", id: string, thread: string | null, assistant: string, text: string,
 *     page: { [key: string]: Json }, tab: string, tools?: PageTool[], attachments?: string[] }
 *   | { type: "edit", id: string, thread: string, message: string, text: string,
 *     attachments?: string[], page: { [key: string]: Json }, tab: string, tools?: PageTool[] }
 *   | { type: "regenerate", id: string, thread: string, message: string, tab: string }
 *   | { type: "show", id: string, thread: string, message: string }
 *   | { type: "retry", id: string, thread: string, run: string, tab: string }
 *   | { type: "cancel", id: string, thread: string, run: string }
 *   | { type: "claim" | "release", id: string, thread: string, toolCall: string, tab: string }
 *   | { type: "answer", id: string, thread: string, toolCall: string, tab: string,
 *     output?: Json, error?: string }
 *   | { type: "resolve", id: string, thread: string, tab: string,
 *     answers: InterruptAnswer[] }} Command what is answered by its id
 * @typedef {Notice | Command} ClientFrame
 */

/**
 * @typedef {{ name: string, description: string, parameters: { [key: string]: Json } }} PageTool
 *   one that the page declares itself; `parameters` is a JSON Schema
 *
 * @typedef {{ interrupt: string, decision: "approve" }
 *   | { interrupt: string, decision: "edit", input: Json }
 *   | { interrupt: string, decision: "deny" | "respond" | "fail", text: string }
 *   | { interrupt: string, decision: "answer", output: Json }
 *   | { interrupt: string, decision: "skip" }} InterruptAnswer
 * @typedef {{ interrupt: string, field: string, message: string }} AnswerProblem what is wrong with
 *   an answer: `field` is the path ("a.b"), or empty where it is the answer as a whole
 * @typedef {InterruptAnswer["decision"]} Decision
 * @typedef {"client_tool" | "approval" | "question"} InterruptKind
 * @typedef {"visitor" | "staff"} Approver
 * @typedef {"client" | "person" | "job"} WaitsFor
 *
 * @typedef {object} Interrupt something asked of the outside
 * @property {string} id
 * @property {InterruptKind} kind
 * @property {string} key which of a tool's questions it is; else empty
 * @property {string} toolCallId
 * @property {string} message words for the person, or empty
 * @property {{ [key: string]: Json } | null} schema JSON Schema of what answers it: a client tool's
 *   output, the tool's input where it may be edited, the answer to a question
 * @property {string | null} form HTML of a Django form, drawn by the server
 * @property {Approver | null} approver of an approval alone
 * @property {string | null} expiresAt
 *
 * @typedef {Interrupt & { toolCall: ToolCallPart }} OpenInterrupt
 *
 * @typedef {object} Approval
 * @property {string} id of its interrupt
 * @property {true} needsApproval
 * @property {boolean | null} approved null until it is answered
 * @property {"approve" | "edit" | "deny" | "respond" | null} decision
 * @property {string | null} reason
 * @property {Approver | null} by
 *
 * @typedef {{ level: "info" | "warning" | "danger", title: string, text: string }} ToolNotice
 * @typedef {object} Progress the newest of each
 * @property {string} text
 * @property {number | null} fraction 0..1
 * @property {Json} preliminary the output as far as it is known; null where there is none
 * @property {ToolNotice | null} notice
 */

/**
 * @typedef {"open" | "complete" | "interrupted"} MessageStatus
 * @typedef {"queued" | "in_progress" | "requires_action" | "cancelling" | "completed" | "failed"
 *   | "cancelled"} RunStatus
 * @typedef {"streaming" | "queued" | "running" | "waiting" | "completed" | "failed"
 *   | "cancelled"} ToolCallStatus
 * @typedef {"awaiting-input" | "input-streaming" | "input-complete" | "approval-requested"
 *   | "approval-responded"} ToolCallState
 * @typedef {"server" | "client" | "job" | "provider"} Executor
 *
 * @typedef {{ id: string, assistant: string, title: string, status: string }} Thread
 * @typedef {{ code: string | null, attempt: number, retryAt: string | null }} Retry why and when
 *   the provider is asked again: `attempt` is the one that broke off, a null `retryAt` means at once
 * @typedef {{ id: string, status: RunStatus, answerId: string, errorCode: string | null,
 *   errorText: string | null, retry: Retry | null }} Run `retry` is there until the next part
 * @typedef {Omit<Run, "retry"> & { retry?: Retry | null, interrupts?: Interrupt[] }} RunTold
 * @typedef {{ thread: Thread, messages: Message[], run: RunTold | null, earlier: boolean }} Snapshot
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {"user" | "assistant" | "system"} role
 * @property {MessageStatus} status
 * @property {string | null} clientId the id of the `send` that made it
 * @property {string | null} runId
 * @property {string} createdAt
 * @property {string | null} parentId the message before it, in its branch
 * @property {string[]} siblings all that were said in its place, oldest first, itself among them;
 *   empty where it is the only one
 * @property {{ name: string } | null} author a person of the staff who has written an assistant's
 *   message; the name may be empty
 * @property {"up" | "down" | null} feedback the owner's
 * @property {Part[]} parts in the order of their `index`
 *
 * @typedef {TextPart | ToolCallPart | ToolResultPart | FilePart} Part
 *
 * @typedef {object} FileTold a file of a message; its name and type are untrusted text
 * @property {string} partId
 * @property {number} index
 * @property {string | null} attachmentId null: the file is gone
 * @property {string} name
 * @property {string} mediaType
 * @property {number} size in bytes
 * @property {string | null} url where whoever may read the thread gets it
 *
 * @typedef {FileTold & { type: "file", stepId: null, state: "complete" }} FilePart
 *
 * @typedef {object} TextPart
 * @property {"text" | "reasoning"} type
 * @property {string} partId
 * @property {number} index
 * @property {string | null} stepId
 * @property {string} content
 * @property {"streaming" | "complete" | "interrupted"} state
 * @property {true} [clipped] a snapshot has cut it; the history API has it whole
 *
 * @typedef {object} ToolCallPart
 * @property {"tool-call"} type
 * @property {string} id
 * @property {string} partId
 * @property {number} index
 * @property {string | null} stepId
 * @property {string} name
 * @property {string} arguments the JSON text so far
 * @property {Json} input null until the arguments are read and fit
 * @property {ToolCallState} state what people see of its way; a settled call keeps its last one
 * @property {ToolCallStatus} status
 * @property {Executor | null} executor
 * @property {Json | undefined} output undefined until it completed
 * @property {Json} editedInput what a person made of `input`; null if nothing
 * @property {WaitsFor | null} waitsFor
 * @property {Interrupt | null} interrupt what it waits for now
 * @property {Approval | null} approval null where nobody has to approve
 * @property {string | null} claimedBy the tab that runs it
 * @property {Progress | null} progress of an open call
 * @property {string | null} deadlineAt
 * @property {true} [clipped] a snapshot has cut or left out some of its values
 *
 * @typedef {object} ToolResultPart
 * @property {"tool-result"} type
 * @property {string} toolCallId
 * @property {string} partId
 * @property {number} index
 * @property {string | null} stepId
 * @property {string} content the output as JSON, or the words of the error
 * @property {"complete" | "error"} state
 * @property {{ code: string, text: string }} [error]
 * @property {true} [clipped]
 */

/**
 * @typedef {{ type: "thread.changed", title: string, status: string }} ThreadChanged
 * @typedef {{ type: "message.created", messageId: string, role: Message["role"],
 *   runId: string | null, clientId: string | null, status: MessageStatus,
 *   content: string | null, createdAt: string, parentId?: string | null, siblings?: string[],
 *   author?: { name: string } | null, files?: FileTold[] }} MessageCreated an older server tells
 *   nothing of the last four
 * @typedef {{ type: "message.ended", messageId: string, status: MessageStatus }} MessageEnded
 * @typedef {{ type: "message.hidden", messageId: string }} MessageHidden
 * @typedef {{ type: "message.rated", messageId: string,
 *   feedback: "up" | "down" | null }} MessageRated
 * @typedef {{ type: "branch.shown", messageId: string }} BranchShown a reset follows
 * @typedef {{ type: "run.changed", runId: string, status: RunStatus, answerId: string,
 *   errorCode: string | null, errorText: string | null }} RunChanged
 * @typedef {{ type: "step.started", runId: string, stepId: string, index: number,
 *   attempt?: number }} StepStarted
 * @typedef {{ type: "step.voided", runId: string, stepId: string, index: number, attempt: number,
 *   errorCode: string | null, retryAt: string | null }} StepVoided
 * @typedef {{ type: "step.finished", runId: string, stepId: string, finishReason: string,
 *   inputTokens: number, outputTokens: number }} StepFinished
 * @typedef {{ type: "part.started", messageId: string, partId: string, index: number,
 *   kind: string, stepId: string, toolCallId: string | null,
 *   toolCallName: string | null }} PartStarted
 * @typedef {{ type: "part.delta", partId: string, offset: number, delta: string }} PartDelta
 * @typedef {{ type: "part.ended", partId: string, state: "complete" | "interrupted",
 *   length: number, digest: string }} PartEnded
 * @typedef {{ type: "tool_call.changed", toolCallId: string, status: ToolCallStatus,
 *   state: ToolCallState, executor: Executor | null, input: Json, editedInput?: Json,
 *   waitsFor?: WaitsFor | null, interrupt?: Interrupt | null, approval?: Approval | null,
 *   deadlineAt: string | null }} ToolCallChanged an older server tells of nobody who is asked
 * @typedef {{ type: "tool_call.claimed", toolCallId: string, tab: string | null }} ToolCallClaimed
 * @typedef {{ type: "tool_call.progressed", toolCallId: string, text: string,
 *   fraction: number | null, preliminary?: Json,
 *   notice?: ToolNotice | null }} ToolCallProgressed
 * @typedef {{ type: "effect", toolCallId: string, name: string, data: Json,
 *   tab: string }} EffectTold
 * @typedef {{ type: "tool_call.ended", toolCallId: string, messageId: string, partId: string,
 *   index: number, stepId: string, status: ToolCallStatus, state: ToolCallState, output: Json,
 *   errorCode: string | null, errorText: string | null,
 *   approval?: Approval | null }} ToolCallEnded
 * @typedef {ThreadChanged | MessageCreated | MessageEnded | MessageHidden | MessageRated
 *   | BranchShown | RunChanged
 *   | StepStarted | StepFinished | StepVoided | PartStarted | PartDelta | PartEnded | ToolCallChanged
 *   | ToolCallClaimed | ToolCallProgressed | ToolCallEnded | EffectTold} ThreadEvent
 */
/**
 * @typedef {object} Options of a client
 * @property {string} [url] where the app is mounted
 * @property {string} [assistant] whom new threads are with
 * @property {string | null} [thread] to open at once
 * @property {any} [context] handed to the tools; it never leaves the page
 * @property {Record<string, unknown> | (() => Record<string, unknown>)} [page] told with every message
 * @property {string} [csrfToken]
 */

export {}
