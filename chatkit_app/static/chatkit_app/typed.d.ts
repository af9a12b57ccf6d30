// What a page meets, typed by a map of its tools: `{ name: { input, output, answer } }`.
// `manage.py chatkit_types` writes such maps, with a copy of this file, so nothing is imported here.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/**
 * One tool. `input` is as a page gets it, `output` as it is stored; `answer` is what a handler may
 * give as the output, and `never` for a tool that runs on the server alone.
 */
export interface ToolTypes {
  input: unknown
  output: unknown
  answer: unknown
}

/** The names of the tools that a page may have a handler for. */
export type PageToolName<T> = {
  [N in keyof T & string]: [T[N]] extends [{ answer: never }] ? AnyName<T[N], N> : N
}[keyof T & string]

/** Where nothing is known of the tools (`any`), a page may have any. */
type AnyName<Types, Name> = 0 extends 1 & Types ? Name : never

// biome-ignore lint/suspicious/noExplicitAny: nothing is known of it
type Unknown<Types, Known> = 0 extends 1 & Types ? any : Known
type InputOf<Types> = Unknown<Types, Types extends { input: infer In } ? In : never>
type OutputOf<Types> = Unknown<Types, Types extends { output: infer Out } ? Out : never>
type AnswerOf<Types> = Unknown<Types, Types extends { answer: infer Out } ? Out : never>

export interface TypedCall<Types, Name extends string = string> {
  id: string
  name: Name
  input: InputOf<Types>
  /**
   * Answers now, for a tool that then leaves the page; resolves when the server has the answer,
   * rejects if it refuses it.
   */
  done(output?: AnswerOf<Types>): Promise<void>
}

export interface HandlerContext<Types, Name extends string = string> {
  /** What the client was made with; it never leaves the page. */
  // biome-ignore lint/suspicious/noExplicitAny: the page's own
  context: any
  call: TypedCall<Types, Name>
  /** Aborts when nobody waits for the answer any more. */
  signal: AbortSignal
}

/** Returns, or promises, the output; nothing after `call.done`. */
export type Handler<Types, Name extends string = string> = (
  input: InputOf<Types>,
  context: HandlerContext<Types, Name>,
) => AnswerOf<Types> | undefined | Promise<AnswerOf<Types> | undefined>

/** `client.tools`. */
export interface PageTools<T> extends EventTarget {
  /** Returns what takes it back. */
  register<N extends PageToolName<T>>(name: N, tool: Handler<T[N], N>): () => void
  /** A tool that the assistant's own code knows nothing of; returns what takes it back. */
  declare(tool: {
    name: string
    description?: string
    input?: { [key: string]: unknown }
    // biome-ignore lint/suspicious/noExplicitAny: nothing is known of it
    run: Handler<any>
  }): () => void
  has(name: string): boolean
  /** Runs a call that `preventDefault` kept open. */
  run(id: string): void
}

export type ToolCallState =
  | "awaiting-input"
  | "input-streaming"
  | "input-complete"
  | "approval-requested"
  | "approval-responded"

/** Something asked of the outside. */
export interface Interrupt {
  id: string
  kind: "client_tool" | "approval" | "question"
  key: string
  toolCallId: string
  message: string
  schema: { [key: string]: Json } | null
  form: string | null
  approver: "visitor" | "staff" | null
  expiresAt: string | null
}

export interface Approval {
  id: string
  needsApproval: true
  approved: boolean | null
  decision: "approve" | "edit" | "deny" | "respond" | null
  reason: string | null
  by: "visitor" | "staff" | null
}

export interface Progress<Output = Json> {
  text: string
  fraction: number | null
  preliminary: Output | null
  notice: { level: "info" | "warning" | "danger"; title: string; text: string } | null
}

interface PartPlace {
  partId: string
  index: number
  stepId: string | null
  /** A snapshot has cut it; the history has it whole. */
  clipped?: true
}

export interface TextPart extends PartPlace {
  type: "text" | "reasoning"
  content: string
  state: "streaming" | "complete" | "interrupted"
}

/** A call of the tool `Name`. */
export interface ToolCallPartOf<Types, Name extends string = string> extends PartPlace {
  type: "tool-call"
  id: string
  name: Name
  /** The JSON text so far. */
  arguments: string
  /**
   * As the tool defines it, once the arguments are there and fit; while they stream, and where they
   * never did, there is none yet (null): look at `state`, or write `part.input?.…`.
   */
  input: InputOf<Types>
  /** Undefined until the call has completed. */
  output: OutputOf<Types> | undefined
  /** What a person made of `input`; null if nothing. */
  editedInput: InputOf<Types> | null
  state: ToolCallState
  status:
    | "streaming"
    | "queued"
    | "running"
    | "waiting"
    | "completed"
    | "failed"
    | "cancelled"
  executor: "server" | "client" | "job" | "provider" | null
  waitsFor: "client" | "person" | "job" | null
  interrupt: Interrupt | null
  approval: Approval | null
  claimedBy: string | null
  progress: Progress | null
  deadlineAt: string | null
}

/** A call of any tool of the map: `part.name` says which one, and so what goes in and comes out. */
export type ToolCallPart<T> = {
  [N in keyof T & string]: ToolCallPartOf<T[N], N>
}[keyof T & string]

/** What is open of a thread, with the call that it is about. */
export type OpenInterrupt<T> = Interrupt & { toolCall: ToolCallPart<T> }

export interface ToolResultPart extends PartPlace {
  type: "tool-result"
  toolCallId: string
  content: string
  state: "complete" | "error"
  error?: { code: string; text: string }
}

/** A file of a message; `name` and `mediaType` are untrusted text, `size` in bytes. */
export interface FilePart {
  type: "file"
  partId: string
  index: number
  stepId: null
  state: "complete"
  /** null: the file is gone */
  attachmentId: string | null
  name: string
  mediaType: string
  size: number
  url: string | null
}

export type Part<T> = TextPart | ToolCallPart<T> | ToolResultPart | FilePart

export interface Message<T> {
  id: string
  role: "user" | "assistant" | "system"
  status: "open" | "complete" | "interrupted"
  clientId: string | null
  runId: string | null
  createdAt: string
  /** the message before it, in its branch */
  parentId: string | null
  /** all that were said in its place, oldest first, itself among them; empty where it is the only one */
  siblings: string[]
  /** a person of the staff who has written an assistant's message; the name may be empty */
  author: { name: string } | null
  feedback: "up" | "down" | null
  parts: Part<T>[]
}

/** Answers to one interrupt, by its id. */
export type InterruptAnswer =
  | { interrupt: string; decision: "approve" | "skip" }
  | { interrupt: string; decision: "edit"; input: Json }
  | { interrupt: string; decision: "deny" | "respond" | "fail"; text: string }
  | { interrupt: string; decision: "answer"; output: Json }

export interface Run {
  id: string
  status: string
  answerId: string | null
  errorCode: string | null
  errorText: string | null
  /** Its answer broke off and is asked again. */
  retry: { code: string | null; attempt: number; retryAt: string | null } | null
}

export interface PendingMessage {
  clientId: string
  text: string
  state: "sending" | "refused"
  /** Why it was refused. */
  error?: { code: string; message: string; retryMs: number | null }
}

/** What an effect tells the page. */
export interface EffectDetail {
  // biome-ignore lint/suspicious/noExplicitAny: the tool's own
  data: any
  name: string
  toolCallId: string
  /** The message came from this page. */
  isOurs: boolean
}

export interface NoticeDetail {
  toolCallId: string
  level: "info" | "warning" | "danger"
  title: string
  text: string
}

/** What `toolcall` and `chatkit-tool-call` tell, before the page's tool runs. */
export interface CallDetail {
  id: string
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: which tool it is, the name says
  input: any
}

export interface ClientEvents {
  change: Event
  error: CustomEvent<Error & { code: string; retryMs: number | null }>
  toolcall: CustomEvent<CallDetail>
  effect: CustomEvent<EffectDetail>
  notice: CustomEvent<NoticeDetail>
}

/** The events of a client, by name. */
export interface ClientTarget extends EventTarget {
  addEventListener<E extends keyof ClientEvents>(
    type: E,
    listener: ((event: ClientEvents[E]) => unknown) | null,
    options?: AddEventListenerOptions | boolean,
  ): void
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void
}

declare global {
  // They bubble: whoever listens around the element hears them, too.
  interface GlobalEventHandlersEventMap {
    "chatkit-tool-call": CustomEvent<CallDetail>
    "chatkit-effect": CustomEvent<EffectDetail>
  }
}

/** A call's part, of whatever tool. */
export type AnyCall = Pick<ToolCallPartOf<ToolTypes>, "arguments" | "input">

/** What is typed of a `ChatKitClient`; docs/client.md has all of it. */
export interface ChatClient<T> extends ClientTarget {
  readonly tools: PageTools<T>
  readonly messages: readonly Message<T>[]
  readonly pendingMessages: readonly PendingMessage[]
  readonly thread: {
    id: string
    assistant: string
    title: string
    status: string
  } | null
  readonly threadId: string | null
  readonly hasEarlier: boolean
  readonly run: Run | null
  readonly state: string
  readonly isBusy: boolean
  readonly error: { code: string; message: string } | null
  /** `u:<key>` is a user, `v:<uuid>` a visitor; null before the first connection. */
  readonly viewer: string | null
  readonly tab: string
  connect(): void
  close(): void
  send(
    text: string,
    options?: { attachments?: string[] },
  ): Promise<{ thread: string; run: string; message: string }>
  /** Another answer in the place of this one. */
  regenerate(message: string): Promise<{ thread: string; run: string; message: string }>
  /** Say something else in the place of one's own message. */
  edit(
    message: string,
    text: string,
    options?: { attachments?: string[] },
  ): Promise<{ thread: string; run: string; message: string }>
  /** Show the branch that this message is in. */
  show(message: string): Promise<void>
  cancel(): Promise<unknown>
  retry(): Promise<{ thread: string; run: string; message: string }>
  discard(clientId: string): void
  readonly interrupts: readonly OpenInterrupt<T>[]
  resolve(answers: InterruptAnswer | readonly InterruptAnswer[]): Promise<unknown>
  approve(interrupt: string, edited?: { input?: object }): Promise<unknown>
  deny(interrupt: string, reason?: string): Promise<unknown>
  respond(interrupt: string, text: string): Promise<unknown>
  answer(interrupt: string, output: Json): Promise<unknown>
  skip(interrupt: string): Promise<unknown>
  isResolving(interrupt: string): boolean
  partialInput(part: AnyCall): Json | undefined
  openThread(id: string): void
  newThread(): void
  listThreads(options?: { cursor?: string }): Promise<{
    threads: { id: string; title: string; lastActivityAt?: string }[]
    next: string | null
  }>
  loadEarlier(): Promise<unknown>
  /** Hear when the list of threads is another one; returns the function that undoes it. */
  watchThreads(listener: () => void): () => void
  /** The same for what waits for an approval of theirs. */
  watchApprovals(listener: () => void): () => void
}

/** What is typed of `<chatkit-thread>`; docs/element.md has all of it. */
export interface ChatElement<T> extends HTMLElement {
  readonly client: ChatClient<T>
  readonly tools: PageTools<T>
  readonly context: Record<string, unknown>
  page: () => Record<string, unknown>
}
