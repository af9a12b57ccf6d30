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
 *   toolCall?: string }} AcceptedFrame
 * @typedef {{ type: "error", code: string, message: string, id?: string, thread?: string,
 *   retryMs?: number }} ErrorFrame
 * @typedef {{ type: "ping" }} PingFrame
 * @typedef {HelloFrame | EventFrame | PositionFrame | ResetFrame | AcceptedFrame | ErrorFrame
 *   | PingFrame} ServerFrame
 */

/**
 * @typedef {{ type: "subscribe", thread: string, epoch?: string, position?: number }
 *   | { type: "unsubscribe", thread: string }
 *   | { type: "acknowledge", thread: string, position: number }
 *   | { type: "pong" }} Notice what is told without expecting an answer
 * @typedef {{ type: "send", id: string, thread: string | null, assistant: string, text: string,
 *     page: { [key: string]: Json }, tab: string }
 *   | { type: "retry", id: string, thread: string, run: string, tab: string }
 *   | { type: "cancel", id: string, thread: string, run: string }
 *   | { type: "claim" | "release", id: string, thread: string, toolCall: string, tab: string }
 *   | { type: "answer", id: string, thread: string, toolCall: string, tab: string,
 *     output?: Json, error?: string }} Command what is answered by its id
 * @typedef {Notice | Command} ClientFrame
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
 * @typedef {Omit<Run, "retry"> & { retry?: Retry | null }} RunTold
 * @typedef {{ thread: Thread, messages: Message[], run: RunTold | null, earlier: boolean }} Snapshot
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {"user" | "assistant" | "system"} role
 * @property {MessageStatus} status
 * @property {string | null} clientId the id of the `send` that made it
 * @property {string | null} runId
 * @property {string} createdAt
 * @property {Part[]} parts in the order of their `index`
 *
 * @typedef {TextPart | ToolCallPart | ToolResultPart} Part
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
 * @property {null} approval
 * @property {string | null} claimedBy the tab that runs it
 * @property {{ text: string, fraction: number | null } | null} progress
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
 *   content: string | null, createdAt: string }} MessageCreated
 * @typedef {{ type: "message.ended", messageId: string, status: MessageStatus }} MessageEnded
 * @typedef {{ type: "message.hidden", messageId: string }} MessageHidden
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
 *   state: ToolCallState, executor: Executor | null, input: Json,
 *   deadlineAt: string | null }} ToolCallChanged
 * @typedef {{ type: "tool_call.claimed", toolCallId: string, tab: string | null }} ToolCallClaimed
 * @typedef {{ type: "tool_call.progressed", toolCallId: string, text: string,
 *   fraction: number | null }} ToolCallProgressed
 * @typedef {{ type: "tool_call.ended", toolCallId: string, messageId: string, partId: string,
 *   index: number, stepId: string, status: ToolCallStatus, state: ToolCallState, output: Json,
 *   errorCode: string | null, errorText: string | null }} ToolCallEnded
 * @typedef {ThreadChanged | MessageCreated | MessageEnded | MessageHidden | RunChanged
 *   | StepStarted | StepFinished | StepVoided | PartStarted | PartDelta | PartEnded | ToolCallChanged
 *   | ToolCallClaimed | ToolCallProgressed | ToolCallEnded} ThreadEvent
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
