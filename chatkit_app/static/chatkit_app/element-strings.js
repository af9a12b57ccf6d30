// The words of the element. The page's own table, made by gettext, stands in front of these.

/** @type {Readonly<Record<string, string>>} */
export const ENGLISH = Object.freeze({
  assistant: "Assistant",
  you: "You",
  heading: "Chat",
  greeting: "How can I help you?",
  placeholder: "Write a message",
  composer: "Your message",
  send: "Send",
  stop: "Stop answering",
  newChat: "New chat",
  threads: "Your chats",
  close: "Close",
  untitled: "Untitled chat",
  noThreads: "No chats yet.",
  more: "Show more",
  loadEarlier: "Show earlier messages",
  loading: "Loading…",
  toNewest: "Jump to newest",
  simulated:
    "Scripted demo: no model answers here. Prepared answers are played to your requests.",
  connecting: "Connecting…",
  reconnecting: "Connection lost. Reconnecting…",
  connected: "Connected again.",
  closed: "Not connected.",
  reconnect: "Reconnect",
  working: "The assistant is working",
  askedAgainBusy: "The model is busy. Asking again…",
  askedAgainUnavailable: "The model did not finish its answer. Asking again…",
  askedAgain: "The answer broke off and is asked again…",
  sending: "Sending…",
  sendingLater: "Will be sent as soon as there is a connection.",
  stopping: "Stopping…",
  busy: "The assistant is still answering. Wait for it, or stop it first.",
  refused: "Not sent: {reason}",
  refusedAgain: "Try again in {seconds} s.",
  retry: "Try again",
  stopped: "Stopped. The answer is not complete.",
  interrupted: "This answer was interrupted and is not complete.",
  details: "Details",
  answerDone: "Answer complete.",
  copy: "Copy",
  copied: "Copied",
  code: "Code",
  table: "Table",
  thinking: "Thinking…",
  thoughts: "Thoughts",
  input: "Input",
  output: "Result",
  threadsUnread: "Your chats, with something new",
  searchThreads: "Search chats",
  searchFound: "Chats found: {count}",
  searchNothing: "Nothing found for “{search}”.",
  hitFar: "What was found is further up: “Show earlier messages” leads there.",
  hitElsewhere: "What was found is in another version of what is shown here.",
  whichThreads: "Which chats",
  openThreads: "Current",
  archivedThreads: "Archived",
  noArchivedThreads: "No archived chats.",
  threadOptions: "Options for “{title}”",
  threadTitle: "Title of the chat",
  threadWorking: "writing",
  threadWaiting: "waiting for an answer",
  threadFailed: "failed",
  unread: "new",
  rename: "Rename",
  archive: "Archive",
  unarchive: "Bring back",
  pin: "Pin",
  unpin: "Unpin",
  pinned: "“{title}” is kept at the top now.",
  unpinned: "“{title}” is not kept at the top any more.",
  pinnedThreads: "Pinned",
  otherThreads: "Other chats",
  remove: "Delete",
  removed: "“{title}” was deleted.",
  undo: "Undo",
  share: "Share…",
  shareTitle: "Share “{title}”",
  shareHint:
    "Whoever has a link can read what is in this chat now, without logging in. What is said later is not in it.",
  shareMake: "Make a link",
  shareLink: "The new link",
  shareIsMade: "The link is made.",
  shareOnce: "Copy it now: it is shown only once.",
  shareLinks: "Links that work",
  shareNone: "There are none.",
  shareEntry: "Made on {from}, until {until}",
  shareRevoke: "Revoke",
  shareIsRevoked: "The link does not work any more.",
  save: "Save",
  cancel: "Cancel",
  closedArchived: "This chat is archived and takes no messages.",
  closedLocked: "This chat takes no more messages.",
  actions: "What you can do with this message",
  notDone: "That did not work: {reason}",
  copyMessage: "Copy message",
  edit: "Edit message",
  editLabel: "Your message, to be changed",
  editHint: "It is answered anew. What was said before is kept.",
  regenerate: "Answer again",
  fork: "Continue in a new chat",
  forked: "This is a new chat. It begins with what was said until then.",
  branch: "Version {number} of {count}",
  branchShort: "{number} of {count}",
  branchBefore: "Version before",
  branchAfter: "Next version",
  rateUp: "Good answer",
  rateDown: "Bad answer",
  rateThanks: "Thank you for your feedback.",
  rateTakenBack: "Your feedback was taken back.",
  feedbackAsk: "What was wrong?",
  feedbackComment: "Tell us more (optional)",
  feedbackSend: "Send feedback",
  feedbackSkip: "No, thank you",
  reasonIncorrect: "Not correct",
  reasonIncomplete: "Something is missing",
  reasonMisunderstood: "Not what I asked",
  reasonUnclear: "Hard to understand",
  reasonInappropriate: "Not appropriate",
  staff: "Our team",
  staffWrites: "{name} of our team writes:",
  file: "File",
  fileGone: "no longer available",
  toolAwaitingInput: "waiting for its input",
  toolReadingInput: "reading its input",
  toolQueued: "about to start",
  toolRunning: "running",
  toolWaiting: "waiting for this page",
  toolHere: "running in this page",
  toolElsewhere: "running in another tab",
  toolNoHandler: "waiting for a page that can do this",
  toolNoHandlerHint:
    "This page cannot run it. It stays open until a page that can is opened; you can also stop it or write on.",
  toolDone: "done",
  toolFailed: "failed",
  toolCancelled: "cancelled",
  toolStaff: "waiting for a member of staff",
  toolStaffHint: "A member of staff has to approve this.",
  toolApproval: "waiting for your approval",
  toolQuestion: "has a question for you",
  toolAnswering: "your answer is being sent",
  toolJob: "working in the background",
  toolDenied: "denied",
  toolAnswered: "answered in words",
  toolSuperseded: "withdrawn",
  toolSupersededHint: "Your new message came first.",
  toolExpired: "expired",
  toolExpiredHint: "Nobody answered in time.",
  toolOutOfTime: "ran out of time",
  toolOutcomeUnknown: "outcome unknown",
  toolOutcomeUnknownHint:
    "It had begun, and nobody knows whether it was done. It is not repeated by itself.",
  toolNotPermitted: "not allowed",
  noticeInfo: "Note",
  noticeWarning: "Warning",
  noticeDanger: "Problem",
  preliminary: "So far",
  editedInput: "Input as it was changed",
  clipped: "It is too long to be shown here as a whole.",
  yes: "yes",
  no: "no",
  none: "none",
  approvalMessage: "This is only done if you approve it.",
  questionMessage: "The assistant needs to know this to go on.",
  approve: "Approve",
  approveChanged: "Approve with changes",
  change: "Change…",
  deny: "Deny",
  denyReason: "Reason (optional)",
  respond: "Answer in words",
  respondLabel: "Your answer, instead of approving it",
  back: "Back",
  sendAnswer: "Send answer",
  skip: "Skip",
  answerLabel: "Your answer",
  answerBy: "It can be answered until {time}.",
  expires: "It expires at {time}.",
  decidedApprove: "You approved this.",
  decidedApproveStaff: "A member of staff approved this.",
  decidedEdit: "You approved this with changes.",
  decidedEditStaff: "A member of staff approved this with changes.",
  decidedDeny: "You denied this.",
  decidedDenyStaff: "A member of staff denied this.",
  decidedRespond: "You answered this in words.",
  decidedRespondStaff: "A member of staff answered this in words.",
  fieldOptional: "(optional)",
  fieldChoose: "Please choose",
  fieldRequired: "Please fill this in.",
  fieldNumber: "This must be a number.",
  fieldInteger: "This must be a whole number.",
  fieldMin: "It must be at least {limit}.",
  fieldMax: "It must be at most {limit}.",
  fieldJson: "This is no valid JSON.",
  fieldAsJson: "To be written as JSON.",
  fieldsWrong: "Please look at what is marked.",
  waitingOne: "One thing waits for your answer.",
  waitingMany: "{count} things wait for your answer.",
  waitingHint: "A new message withdraws it.",
  waitingHintMany: "A new message withdraws them.",
  waitingShow: "Show",
  attach: "Attach files",
  attachments: "Files to send",
  dropFiles: "Drop files here to send them along",
  uploading: "Uploading {name}",
  uploaded: "{name} is uploaded.",
  removeFile: "Remove {name}",
  sendingFiles: "Files",
  stillUploading: "Your files are still being uploaded.",
  uploadsFailed: "Remove the files that could not be uploaded first.",
  errorAttachmentTooLarge: "The file is too large.",
  errorAttachmentTypeRefused: "Files of this kind are not taken.",
  errorAttachmentRefused: "The file is empty or broken.",
  errorAttachmentNotFound: "A file is no longer there. Attach it again.",
  errorTooManyAttachments: "There are too many files.",
  errorSharingOff: "Chats cannot be shared here.",
  errorShareNotFound: "This link is no longer there.",
  errorNothingToShare: "There is nothing to share in this chat yet.",
  errorTooManyShares: "This chat has too many links. Revoke one first.",
  errorForkTooLarge: "There is too much in this chat to continue it in a new one.",
  errorFailed: "The answer could not be finished.",
  errorProviderRateLimited: "The assistant has too much to do right now.",
  errorProviderUnavailable: "The assistant cannot be reached right now.",
  errorProviderRejected: "The assistant refused this request.",
  errorProviderContextExceeded: "This chat has become too long. Start a new one.",
  errorStepLimitExceeded: "The assistant needed too many steps.",
  errorCallLimitExceeded: "The assistant wanted to do too many things at once.",
  errorTokenLimitExceeded: "The answer became too long.",
  errorTimeLimitExceeded: "The assistant took too long.",
  errorInvalidPage: "The assistant does not understand what this page tells of itself.",
  errorRedactionFailed: "What was said could not be checked, so it was not kept.",
  errorRunInterrupted: "The answer was interrupted by a restart.",
  errorRateLimited: "You are writing very fast.",
  errorRunConflict: "The assistant is still answering.",
  errorNoViewer: "Your browser's session did not reach the chat. Are cookies blocked?",
  errorSignedOut: "You are no longer signed in here.",
  errorUnreachable: "The chat cannot be reached.",
  errorNotAllowed: "This is not allowed.",
  errorExpired: "It was written too long ago.",
  errorApprovalPending:
    "A member of staff still has to decide about something. Wait for that, or stop the answer first.",
  errorInterruptNotFound: "This is no longer asked.",
  errorAnswerDuplicate: "It has been answered already.",
  errorAnswerLate: "It is too late to answer this.",
  errorAnswerInvalid: "The answer does not fit what is asked.",
  errorThreadNotFound: "This chat is no longer there.",
  errorMessageNotFound: "This message is no longer there.",
  errorUnknown: "Something went wrong.",
})

/**
 * Look words up, with English for what a table lacks.
 *
 * @typedef {(name: string, values?: Record<string, string | number>) => string} Words
 * @param {Readonly<Record<string, string>>} table
 * @returns {Words}
 */
export function wordsFrom(table) {
  return (name, values = {}) => {
    const text = table[name] ?? ENGLISH[name] ?? name
    return text.replace(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole))
  }
}

/**
 * What a page's JSON holds of words; anything else in it is left out.
 *
 * @param {string | null | undefined} json
 * @returns {Record<string, string>}
 */
export function readTable(json) {
  const data = readJson(json)
  if (typeof data !== "object" || data === null) return {}
  return Object.fromEntries(
    Object.entries(data).filter(([, text]) => typeof text === "string" && text !== ""),
  )
}

/**
 * A list of texts from an attribute's JSON; empty where it is none.
 *
 * @param {string | null | undefined} json
 * @returns {string[]}
 */
export function readList(json) {
  const data = readJson(json)
  return Array.isArray(data) ? data.filter((item) => typeof item === "string") : []
}

/**
 * @param {string | null | undefined} json
 * @returns {unknown}
 */
function readJson(json) {
  try {
    return JSON.parse(json || "null")
  } catch {
    return null
  }
}

/**
 * An error code in words: `provider_unavailable` → the text of `errorProviderUnavailable`.
 *
 * @param {Words} words
 * @param {string | null | undefined} code
 * @param {string} otherwise what to say of a code that has no words
 */
export function errorWords(words, code, otherwise) {
  if (!code) return otherwise
  const name = `error${code.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase())}`
  return name in ENGLISH ? words(name) : otherwise
}
