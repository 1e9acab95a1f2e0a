/** What an API tells of the processor whose results it serves. */
export const PROCESSOR_SDL = `
"What a task is for."
enum TaskRole {
  "Processes its inputs."
  ACTIVE
  "Keeps a copy of another task's state, to take over fast."
  STANDBY
}

"Where a task is in its life."
enum TaskState {
  "Assigned, and not begun."
  CREATED
  "Bringing its state up to date from the changelogs."
  RESTORING
  "Processing."
  RUNNING
  "Stopped, about to be given away or resumed."
  SUSPENDED
  "Given away."
  CLOSED
}

"How far a task has restored its state."
type RestoreProgress {
  "Changelog records read."
  restored: Count!
  "Changelog records to read in all."
  total: Count!
  "Null until a rate is known."
  remainingMs: Count
}

"A part of the work: some partitions and the state that belongs to them."
type Task {
  "\`<sub-topology>_<partition>\`, as in Kafka Streams."
  id: ID!
  "Active or standby."
  role: TaskRole!
  "What it is doing."
  state: TaskState!
  "\`topic-partition\` names that it reads."
  inputs: [String!]!
  "Records of its inputs that it has not processed; 0 when all is done."
  lag: Count!
  "Only while restoring."
  restore: RestoreProgress
}

"A processor process."
type Instance {
  "Kept in its state directory, so a restarted process is the same instance."
  id: ID!
  "The machine or container that it runs on."
  host: String!
  "When it was started."
  startedAt: DateTime!
  "Newest report; an instance unheard of for 10 seconds is listed with alive: false, then dropped."
  reportedAt: DateTime!
  "Whether it has reported within the last 10 seconds."
  alive: Boolean!
  "Its stream threads."
  threads: Int!
  "Input records it processed a second, lately."
  recordsPerSecond: Float!
  "What it works on, by id."
  tasks: [Task!]!
}

"The stream processor, over all its instances."
type Processor {
  "Its consumer group, and the prefix of its topics."
  applicationId: String!
  "exactly_once or at_least_once."
  guarantee: String!
  "The topology as text, in the form of Kafka Streams' describe()."
  topology: String!
  "The processes that do the work, the oldest first."
  instances: [Instance!]!
  "Input records not processed yet, over all partitions; null while no processor reports."
  lag: Count
}
`;
