import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A whole number from 0 to 2^53 - 1, as a JSON number. */
  Count: { input: number; output: number; }
  /** An opaque resume token of a subscription. A token that cannot be resumed gives a snapshot, never an error. */
  Cursor: { input: string; output: string; }
  /** An instant in UTC as RFC 3339 text, millisecond precision. */
  DateTime: { input: number; output: number; }
};

/** consumed = counted + deadLettered, always; counted = the sum over states and unattributed. */
export type DataQuality = {
  /** Input records taken in. */
  consumed: Scalars['Count']['output'];
  /** Records counted as logins, however flawed. */
  counted: Scalars['Count']['output'];
  /** Records that could not be read, kept in the dead-letter topic. */
  deadLettered: Scalars['Count']['output'];
  /** Why they could not be read. */
  deadLetters: Array<ReasonCount>;
  /** How fresh these counts are. */
  freshness: Freshness;
  /** Present but unusable fields (wrong type, not a state, unreadable time), of counted records. */
  invalid: Array<FieldCount>;
  /** Logins counted in the totals but too old for the time series. */
  late: Scalars['Count']['output'];
  /** Absent, null or blank fields, of counted records. */
  missing: Array<FieldCount>;
};

/** Logins by device type. */
export type DeviceCounts = {
  /** Logins with Android. */
  android: Scalars['Count']['output'];
  /** Logins with iOS. */
  ios: Scalars['Count']['output'];
  /** Logins with any other device type, or with none. */
  other: Scalars['Count']['output'];
  /** ios + android + other. */
  total: Scalars['Count']['output'];
};

/** What a login was made with. */
export type DeviceType =
  /** `android`, in any case. */
  | 'ANDROID'
  /** iPhones and iPads: `ios`, in any case. */
  | 'IOS'
  /** Every other device type, and logins that name none. */
  | 'OTHER';

/** How often something was found in a field. */
export type FieldCount = {
  /** Logins in which it was found. */
  count: Scalars['Count']['output'];
  /** A field of the login record: user_id, app_version, device_type, ip, locale, device_id, timestamp. */
  field: Scalars['String']['output'];
};

/** How fresh and how whole an answer is. */
export type Freshness = {
  /** Newest event time in the answer; null before the first login. */
  asOf?: Maybe<Scalars['DateTime']['output']>;
  /** True when this instance's copy had caught up with every result partition when it answered. */
  complete: Scalars['Boolean']['output'];
  /** Input records not processed yet, over all partitions; null while no processor reports. */
  lag?: Maybe<Scalars['Count']['output']>;
};

/** The size of a state's economy. */
export type Gdp = {
  /** Where the figure puts the state. */
  class: GdpClass;
  /** Total current-dollar GDP, rounded to the nearest million. */
  millionsUsd: Scalars['Count']['output'];
  /** The year that the figure is of. */
  year: Scalars['Int']['output'];
};

/** A state's total current-dollar GDP in 2024 (BEA SAGDP1): HIGH from 700 billion dollars, LOW below 230 billion. */
export type GdpClass =
  /** From 700 billion dollars. */
  | 'HIGH'
  /** Below 230 billion dollars. */
  | 'LOW'
  /** From 230 to below 700 billion dollars. */
  | 'MEDIUM';

/** The states of one GDP class together. */
export type GdpClassCounts = {
  /** Which class. */
  class: GdpClass;
  /** Logins over all of them. */
  devices: DeviceCounts;
  /** IOS or ANDROID, whichever has more logins; null when they are equal. */
  leader?: Maybe<DeviceType>;
  /** How many states it has, logins or not. */
  states: Scalars['Int']['output'];
};

/** What the counts say. */
export type Insights = {
  /** HIGH, MEDIUM, LOW: always all three. */
  byGdpClass: Array<GdpClassCounts>;
  /** How fresh these findings are. */
  freshness: Freshness;
  /** States with more Android than iOS logins, most logins first. */
  moreAndroid: Array<State>;
  /** States with more iOS than Android logins, most logins first. */
  moreIos: Array<State>;
  /** The same findings in plain English, as GET /insights gives them. */
  sentences: Array<Scalars['String']['output']>;
  /** The state with most logins (ties: alphabetical); null before the first. */
  topState?: Maybe<State>;
};

/** A processor process. */
export type Instance = {
  /** Whether it has reported within the last 10 seconds. */
  alive: Scalars['Boolean']['output'];
  /** The machine or container that it runs on. */
  host: Scalars['String']['output'];
  /** Kept in its state directory, so a restarted process is the same instance. */
  id: Scalars['ID']['output'];
  /** Input records it processed a second, lately. */
  recordsPerSecond: Scalars['Float']['output'];
  /** Newest report; an instance unheard of for 10 seconds is listed with alive: false, then dropped. */
  reportedAt: Scalars['DateTime']['output'];
  /** When it was started. */
  startedAt: Scalars['DateTime']['output'];
  /** What it works on, by id. */
  tasks: Array<Task>;
  /** Its stream threads. */
  threads: Scalars['Int']['output'];
};

/** An object with a global id, to be found again by `node(id)`. */
export type Node = {
  /** Opaque, and the same for as long as the object exists. */
  id: Scalars['ID']['output'];
};

/** Which end comes first. */
export type OrderDirection =
  /** The smallest first. */
  | 'ASC'
  /** The largest first. */
  | 'DESC';

/** The stream processor, over all its instances. */
export type Processor = {
  /** Its consumer group, and the prefix of its topics. */
  applicationId: Scalars['String']['output'];
  /** exactly_once or at_least_once. */
  guarantee: Scalars['String']['output'];
  /** The processes that do the work, the oldest first. */
  instances: Array<Instance>;
  /** Input records not processed yet, over all partitions; null while no processor reports. */
  lag?: Maybe<Scalars['Count']['output']>;
  /** The topology as text, in the form of Kafka Streams' describe(). */
  topology: Scalars['String']['output'];
};

/** All results, from this instance's own copy of them. */
export type Query = {
  /** What was wrong with the input, and what became of it. */
  dataQuality: DataQuality;
  /** What the counts say, as findings and in English. */
  insights: Insights;
  /** The object with this global id; null when there is none. */
  node?: Maybe<Node>;
  /** Who processes what, and how far behind. */
  processor: Processor;
  /** One state, logins or not. */
  state: State;
  /** All 51, logins or not, unless narrowed; ties are alphabetical. */
  states: StateList;
  /** Defaults: `to` is the end of the newest window with a login, `from` is 60 windows earlier; all states, and unattributed logins, unless `states` is given. */
  timeSeries: TimeSeries;
};


/** All results, from this instance's own copy of them. */
export type QueryNodeArgs = {
  id: Scalars['ID']['input'];
};


/** All results, from this instance's own copy of them. */
export type QueryStateArgs = {
  code: StateCode;
};


/** All results, from this instance's own copy of them. */
export type QueryStatesArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  gdpClass?: InputMaybe<GdpClass>;
  orderBy?: InputMaybe<StateOrder>;
};


/** All results, from this instance's own copy of them. */
export type QueryTimeSeriesArgs = {
  from?: InputMaybe<Scalars['DateTime']['input']>;
  resolution?: InputMaybe<Resolution>;
  states?: InputMaybe<Array<StateCode>>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};

/** How many records were dead-lettered for a reason. */
export type ReasonCount = {
  /** Records. */
  count: Scalars['Count']['output'];
  /** NO_VALUE, NOT_UTF8, NOT_JSON or NOT_OBJECT. */
  reason: Scalars['String']['output'];
};

/** How long the windows of a time series are. */
export type Resolution =
  /** One-hour windows, kept for 30 days of event time. */
  | 'HOUR'
  /** One-minute windows, kept for 24 hours of event time. */
  | 'MINUTE';

/** How far a task has restored its state. */
export type RestoreProgress = {
  /** Null until a rate is known. */
  remainingMs?: Maybe<Scalars['Count']['output']>;
  /** Changelog records read. */
  restored: Scalars['Count']['output'];
  /** Changelog records to read in all. */
  total: Scalars['Count']['output'];
};

/** A state or the District of Columbia, and the logins that named it. */
export type State = Node & {
  /** USPS code. */
  code: StateCode;
  /** All its logins so far. */
  devices: DeviceCounts;
  /** Its economy. */
  gdp: Gdp;
  /** `State:CA` */
  id: Scalars['ID']['output'];
  /** Event time of the newest login counted here; null before the first. */
  lastLoginAt?: Maybe<Scalars['DateTime']['output']>;
  /** IOS or ANDROID, whichever has more logins; null when they are equal. */
  leader?: Maybe<DeviceType>;
  /** In English. */
  name: Scalars['String']['output'];
};

/** The fifty states and the District of Columbia, by USPS code. */
export type StateCode =
  | 'AK'
  | 'AL'
  | 'AR'
  | 'AZ'
  | 'CA'
  | 'CO'
  | 'CT'
  | 'DC'
  | 'DE'
  | 'FL'
  | 'GA'
  | 'HI'
  | 'IA'
  | 'ID'
  | 'IL'
  | 'IN'
  | 'KS'
  | 'KY'
  | 'LA'
  | 'MA'
  | 'MD'
  | 'ME'
  | 'MI'
  | 'MN'
  | 'MO'
  | 'MS'
  | 'MT'
  | 'NC'
  | 'ND'
  | 'NE'
  | 'NH'
  | 'NJ'
  | 'NM'
  | 'NV'
  | 'NY'
  | 'OH'
  | 'OK'
  | 'OR'
  | 'PA'
  | 'RI'
  | 'SC'
  | 'SD'
  | 'TN'
  | 'TX'
  | 'UT'
  | 'VA'
  | 'VT'
  | 'WA'
  | 'WI'
  | 'WV'
  | 'WY';

/** States, and the sums over all of them. */
export type StateList = {
  /** How fresh these counts are. */
  freshness: Freshness;
  /** As ordered and narrowed. */
  nodes: Array<State>;
  /** Over all states, unattributed logins included. */
  totals: DeviceCounts;
  /** Logins whose locale is missing or is not a state. */
  unattributed: DeviceCounts;
};

/** An order of states; ties are alphabetical in either direction. */
export type StateOrder = {
  /** Which end comes first. */
  direction?: OrderDirection;
  /** What to compare. */
  field?: StateOrderField;
};

/** What states can be ordered by. */
export type StateOrderField =
  /** Logins with Android. */
  | 'ANDROID'
  /** USPS code. */
  | 'CODE'
  /** GDP in dollars. */
  | 'GDP'
  /** Logins with iOS. */
  | 'IOS'
  /** All other logins. */
  | 'OTHER'
  /** All logins. */
  | 'TOTAL';

/** What changed in the states. */
export type StatesUpdate = {
  /** To be given as `after` when subscribing again, at this or any other instance. */
  cursor: Scalars['Cursor']['output'];
  /** How fresh these counts are. */
  freshness: Freshness;
  /** Whether to replace or to merge. */
  kind: UpdateKind;
  /** Changed states only, in a DELTA. */
  states: Array<State>;
  /** Over all states, unattributed logins included. */
  totals: DeviceCounts;
  /** Logins whose locale is missing or is not a state. */
  unattributed: DeviceCounts;
};

/**
 * Each sends its first update at once; a change after a quiet spell is sent at once too; under steady change at most one
 * update per `intervalMs` (50 to 60,000), conflated, always ending on the newest state.
 */
export type Subscription = {
  /** The quality of the input, whenever its counts change. */
  dataQuality: DataQuality;
  /** The findings, whenever they are other ones. */
  insights: Insights;
  /** The processor, whenever an instance reports, leaves or falls silent. */
  processor: Processor;
  /** All states, then those that changed. */
  states: StatesUpdate;
  /** The newest windows, then those that are new or changed. */
  timeSeries: TimeSeriesUpdate;
};


/**
 * Each sends its first update at once; a change after a quiet spell is sent at once too; under steady change at most one
 * update per `intervalMs` (50 to 60,000), conflated, always ending on the newest state.
 */
export type SubscriptionDataQualityArgs = {
  intervalMs?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Each sends its first update at once; a change after a quiet spell is sent at once too; under steady change at most one
 * update per `intervalMs` (50 to 60,000), conflated, always ending on the newest state.
 */
export type SubscriptionInsightsArgs = {
  intervalMs?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Each sends its first update at once; a change after a quiet spell is sent at once too; under steady change at most one
 * update per `intervalMs` (50 to 60,000), conflated, always ending on the newest state.
 */
export type SubscriptionProcessorArgs = {
  intervalMs?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Each sends its first update at once; a change after a quiet spell is sent at once too; under steady change at most one
 * update per `intervalMs` (50 to 60,000), conflated, always ending on the newest state.
 */
export type SubscriptionStatesArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  intervalMs?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Each sends its first update at once; a change after a quiet spell is sent at once too; under steady change at most one
 * update per `intervalMs` (50 to 60,000), conflated, always ending on the newest state.
 */
export type SubscriptionTimeSeriesArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  intervalMs?: InputMaybe<Scalars['Int']['input']>;
  resolution?: InputMaybe<Resolution>;
  states?: InputMaybe<Array<StateCode>>;
  windows?: InputMaybe<Scalars['Int']['input']>;
};

/** A part of the work: some partitions and the state that belongs to them. */
export type Task = {
  /** `<sub-topology>_<partition>`, as in Kafka Streams. */
  id: Scalars['ID']['output'];
  /** `topic-partition` names that it reads. */
  inputs: Array<Scalars['String']['output']>;
  /** Records of its inputs that it has not processed; 0 when all is done. */
  lag: Scalars['Count']['output'];
  /** Only while restoring. */
  restore?: Maybe<RestoreProgress>;
  /** Active or standby. */
  role: TaskRole;
  /** What it is doing. */
  state: TaskState;
};

/** What a task is for. */
export type TaskRole =
  /** Processes its inputs. */
  | 'ACTIVE'
  /** Keeps a copy of another task's state, to take over fast. */
  | 'STANDBY';

/** Where a task is in its life. */
export type TaskState =
  /** Given away. */
  | 'CLOSED'
  /** Assigned, and not begun. */
  | 'CREATED'
  /** Bringing its state up to date from the changelogs. */
  | 'RESTORING'
  /** Processing. */
  | 'RUNNING'
  /** Stopped, about to be given away or resumed. */
  | 'SUSPENDED';

/** A point for every window from `from` (inclusive) to `to` (exclusive), empty windows as zeros; at most 1,500. */
export type TimeSeries = {
  /** How fresh these counts are; `asOf` is of the windows shown. */
  freshness: Freshness;
  /** Start of the first window. */
  from: Scalars['DateTime']['output'];
  /** By start, ascending. */
  points: Array<TimeSeriesPoint>;
  /** How long each window is. */
  resolution: Resolution;
  /** End of the last window. */
  to: Scalars['DateTime']['output'];
};

/** One window of a time series. */
export type TimeSeriesPoint = {
  /** Logins whose event time is in the window. */
  devices: DeviceCounts;
  /** Start of the window. */
  start: Scalars['DateTime']['output'];
};

/** What changed in a time series. */
export type TimeSeriesUpdate = {
  /** To be given as `after` when subscribing again with the same arguments, at this or any other instance. */
  cursor: Scalars['Cursor']['output'];
  /** How fresh these counts are; `asOf` is of the newest `windows` windows. */
  freshness: Freshness;
  /** Whether to replace or to merge. */
  kind: UpdateKind;
  /** In a SNAPSHOT the newest `windows` windows; in a DELTA the windows that are new or changed, late ones included. */
  points: Array<TimeSeriesPoint>;
  /** How long each window is. */
  resolution: Resolution;
};

/** How an update relates to what the client has. */
export type UpdateKind =
  /** Only what changed since the previous update, as absolute values: merge by key. */
  | 'DELTA'
  /** Everything: replaces what the client has. */
  | 'SNAPSHOT';



export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;




/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  Node: ( State );
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  Count: ResolverTypeWrapper<Scalars['Count']['output']>;
  Cursor: ResolverTypeWrapper<Scalars['Cursor']['output']>;
  DataQuality: ResolverTypeWrapper<DataQuality>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DeviceCounts: ResolverTypeWrapper<DeviceCounts>;
  DeviceType: DeviceType;
  FieldCount: ResolverTypeWrapper<FieldCount>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  Freshness: ResolverTypeWrapper<Freshness>;
  Gdp: ResolverTypeWrapper<Gdp>;
  GdpClass: GdpClass;
  GdpClassCounts: ResolverTypeWrapper<GdpClassCounts>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Insights: ResolverTypeWrapper<Insights>;
  Instance: ResolverTypeWrapper<Instance>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  Node: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['Node']>;
  OrderDirection: OrderDirection;
  Processor: ResolverTypeWrapper<Processor>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  ReasonCount: ResolverTypeWrapper<ReasonCount>;
  Resolution: Resolution;
  RestoreProgress: ResolverTypeWrapper<RestoreProgress>;
  State: ResolverTypeWrapper<State>;
  StateCode: StateCode;
  StateList: ResolverTypeWrapper<StateList>;
  StateOrder: StateOrder;
  StateOrderField: StateOrderField;
  StatesUpdate: ResolverTypeWrapper<StatesUpdate>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Task: ResolverTypeWrapper<Task>;
  TaskRole: TaskRole;
  TaskState: TaskState;
  TimeSeries: ResolverTypeWrapper<TimeSeries>;
  TimeSeriesPoint: ResolverTypeWrapper<TimeSeriesPoint>;
  TimeSeriesUpdate: ResolverTypeWrapper<TimeSeriesUpdate>;
  UpdateKind: UpdateKind;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  Boolean: Scalars['Boolean']['output'];
  Count: Scalars['Count']['output'];
  Cursor: Scalars['Cursor']['output'];
  DataQuality: DataQuality;
  DateTime: Scalars['DateTime']['output'];
  DeviceCounts: DeviceCounts;
  FieldCount: FieldCount;
  Float: Scalars['Float']['output'];
  Freshness: Freshness;
  Gdp: Gdp;
  GdpClassCounts: GdpClassCounts;
  ID: Scalars['ID']['output'];
  Insights: Insights;
  Instance: Instance;
  Int: Scalars['Int']['output'];
  Node: ResolversInterfaceTypes<ResolversParentTypes>['Node'];
  Processor: Processor;
  Query: Record<PropertyKey, never>;
  ReasonCount: ReasonCount;
  RestoreProgress: RestoreProgress;
  State: State;
  StateList: StateList;
  StateOrder: StateOrder;
  StatesUpdate: StatesUpdate;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  Task: Task;
  TimeSeries: TimeSeries;
  TimeSeriesPoint: TimeSeriesPoint;
  TimeSeriesUpdate: TimeSeriesUpdate;
};

export interface CountScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['Count'], any> {
  name: 'Count';
}

export interface CursorScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['Cursor'], any> {
  name: 'Cursor';
}

export type DataQualityResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['DataQuality'] = ResolversParentTypes['DataQuality']> = {
  consumed?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  counted?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  deadLettered?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  deadLetters?: Resolver<Array<ResolversTypes['ReasonCount']>, ParentType, ContextType>;
  freshness?: Resolver<ResolversTypes['Freshness'], ParentType, ContextType>;
  invalid?: Resolver<Array<ResolversTypes['FieldCount']>, ParentType, ContextType>;
  late?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  missing?: Resolver<Array<ResolversTypes['FieldCount']>, ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type DeviceCountsResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['DeviceCounts'] = ResolversParentTypes['DeviceCounts']> = {
  android?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  ios?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  other?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  total?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
};

export type FieldCountResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['FieldCount'] = ResolversParentTypes['FieldCount']> = {
  count?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  field?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type FreshnessResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Freshness'] = ResolversParentTypes['Freshness']> = {
  asOf?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  complete?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  lag?: Resolver<Maybe<ResolversTypes['Count']>, ParentType, ContextType>;
};

export type GdpResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Gdp'] = ResolversParentTypes['Gdp']> = {
  class?: Resolver<ResolversTypes['GdpClass'], ParentType, ContextType>;
  millionsUsd?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  year?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type GdpClassCountsResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['GdpClassCounts'] = ResolversParentTypes['GdpClassCounts']> = {
  class?: Resolver<ResolversTypes['GdpClass'], ParentType, ContextType>;
  devices?: Resolver<ResolversTypes['DeviceCounts'], ParentType, ContextType>;
  leader?: Resolver<Maybe<ResolversTypes['DeviceType']>, ParentType, ContextType>;
  states?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type InsightsResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Insights'] = ResolversParentTypes['Insights']> = {
  byGdpClass?: Resolver<Array<ResolversTypes['GdpClassCounts']>, ParentType, ContextType>;
  freshness?: Resolver<ResolversTypes['Freshness'], ParentType, ContextType>;
  moreAndroid?: Resolver<Array<ResolversTypes['State']>, ParentType, ContextType>;
  moreIos?: Resolver<Array<ResolversTypes['State']>, ParentType, ContextType>;
  sentences?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  topState?: Resolver<Maybe<ResolversTypes['State']>, ParentType, ContextType>;
};

export type InstanceResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Instance'] = ResolversParentTypes['Instance']> = {
  alive?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  host?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  recordsPerSecond?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  reportedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  startedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  tasks?: Resolver<Array<ResolversTypes['Task']>, ParentType, ContextType>;
  threads?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type NodeResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Node'] = ResolversParentTypes['Node']> = {
  __resolveType: TypeResolveFn<'State', ParentType, ContextType>;
};

export type ProcessorResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Processor'] = ResolversParentTypes['Processor']> = {
  applicationId?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  guarantee?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  instances?: Resolver<Array<ResolversTypes['Instance']>, ParentType, ContextType>;
  lag?: Resolver<Maybe<ResolversTypes['Count']>, ParentType, ContextType>;
  topology?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type QueryResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  dataQuality?: Resolver<ResolversTypes['DataQuality'], ParentType, ContextType>;
  insights?: Resolver<ResolversTypes['Insights'], ParentType, ContextType>;
  node?: Resolver<Maybe<ResolversTypes['Node']>, ParentType, ContextType, RequireFields<QueryNodeArgs, 'id'>>;
  processor?: Resolver<ResolversTypes['Processor'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['State'], ParentType, ContextType, RequireFields<QueryStateArgs, 'code'>>;
  states?: Resolver<ResolversTypes['StateList'], ParentType, ContextType, RequireFields<QueryStatesArgs, 'first'>>;
  timeSeries?: Resolver<ResolversTypes['TimeSeries'], ParentType, ContextType, RequireFields<QueryTimeSeriesArgs, 'resolution'>>;
};

export type ReasonCountResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['ReasonCount'] = ResolversParentTypes['ReasonCount']> = {
  count?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  reason?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type RestoreProgressResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['RestoreProgress'] = ResolversParentTypes['RestoreProgress']> = {
  remainingMs?: Resolver<Maybe<ResolversTypes['Count']>, ParentType, ContextType>;
  restored?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  total?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
};

export type StateResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['State'] = ResolversParentTypes['State']> = {
  code?: Resolver<ResolversTypes['StateCode'], ParentType, ContextType>;
  devices?: Resolver<ResolversTypes['DeviceCounts'], ParentType, ContextType>;
  gdp?: Resolver<ResolversTypes['Gdp'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  lastLoginAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  leader?: Resolver<Maybe<ResolversTypes['DeviceType']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type StateListResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['StateList'] = ResolversParentTypes['StateList']> = {
  freshness?: Resolver<ResolversTypes['Freshness'], ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['State']>, ParentType, ContextType>;
  totals?: Resolver<ResolversTypes['DeviceCounts'], ParentType, ContextType>;
  unattributed?: Resolver<ResolversTypes['DeviceCounts'], ParentType, ContextType>;
};

export type StatesUpdateResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['StatesUpdate'] = ResolversParentTypes['StatesUpdate']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  freshness?: Resolver<ResolversTypes['Freshness'], ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['UpdateKind'], ParentType, ContextType>;
  states?: Resolver<Array<ResolversTypes['State']>, ParentType, ContextType>;
  totals?: Resolver<ResolversTypes['DeviceCounts'], ParentType, ContextType>;
  unattributed?: Resolver<ResolversTypes['DeviceCounts'], ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  dataQuality?: SubscriptionResolver<ResolversTypes['DataQuality'], "dataQuality", ParentType, ContextType, RequireFields<SubscriptionDataQualityArgs, 'intervalMs'>>;
  insights?: SubscriptionResolver<ResolversTypes['Insights'], "insights", ParentType, ContextType, RequireFields<SubscriptionInsightsArgs, 'intervalMs'>>;
  processor?: SubscriptionResolver<ResolversTypes['Processor'], "processor", ParentType, ContextType, RequireFields<SubscriptionProcessorArgs, 'intervalMs'>>;
  states?: SubscriptionResolver<ResolversTypes['StatesUpdate'], "states", ParentType, ContextType, RequireFields<SubscriptionStatesArgs, 'intervalMs'>>;
  timeSeries?: SubscriptionResolver<ResolversTypes['TimeSeriesUpdate'], "timeSeries", ParentType, ContextType, RequireFields<SubscriptionTimeSeriesArgs, 'intervalMs' | 'resolution' | 'windows'>>;
};

export type TaskResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['Task'] = ResolversParentTypes['Task']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  inputs?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  lag?: Resolver<ResolversTypes['Count'], ParentType, ContextType>;
  restore?: Resolver<Maybe<ResolversTypes['RestoreProgress']>, ParentType, ContextType>;
  role?: Resolver<ResolversTypes['TaskRole'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['TaskState'], ParentType, ContextType>;
};

export type TimeSeriesResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['TimeSeries'] = ResolversParentTypes['TimeSeries']> = {
  freshness?: Resolver<ResolversTypes['Freshness'], ParentType, ContextType>;
  from?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  points?: Resolver<Array<ResolversTypes['TimeSeriesPoint']>, ParentType, ContextType>;
  resolution?: Resolver<ResolversTypes['Resolution'], ParentType, ContextType>;
  to?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type TimeSeriesPointResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['TimeSeriesPoint'] = ResolversParentTypes['TimeSeriesPoint']> = {
  devices?: Resolver<ResolversTypes['DeviceCounts'], ParentType, ContextType>;
  start?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type TimeSeriesUpdateResolvers<ContextType = unknown, ParentType extends ResolversParentTypes['TimeSeriesUpdate'] = ResolversParentTypes['TimeSeriesUpdate']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  freshness?: Resolver<ResolversTypes['Freshness'], ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['UpdateKind'], ParentType, ContextType>;
  points?: Resolver<Array<ResolversTypes['TimeSeriesPoint']>, ParentType, ContextType>;
  resolution?: Resolver<ResolversTypes['Resolution'], ParentType, ContextType>;
};

export type Resolvers<ContextType = unknown> = {
  Count?: GraphQLScalarType;
  Cursor?: GraphQLScalarType;
  DataQuality?: DataQualityResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  DeviceCounts?: DeviceCountsResolvers<ContextType>;
  FieldCount?: FieldCountResolvers<ContextType>;
  Freshness?: FreshnessResolvers<ContextType>;
  Gdp?: GdpResolvers<ContextType>;
  GdpClassCounts?: GdpClassCountsResolvers<ContextType>;
  Insights?: InsightsResolvers<ContextType>;
  Instance?: InstanceResolvers<ContextType>;
  Node?: NodeResolvers<ContextType>;
  Processor?: ProcessorResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  ReasonCount?: ReasonCountResolvers<ContextType>;
  RestoreProgress?: RestoreProgressResolvers<ContextType>;
  State?: StateResolvers<ContextType>;
  StateList?: StateListResolvers<ContextType>;
  StatesUpdate?: StatesUpdateResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  Task?: TaskResolvers<ContextType>;
  TimeSeries?: TimeSeriesResolvers<ContextType>;
  TimeSeriesPoint?: TimeSeriesPointResolvers<ContextType>;
  TimeSeriesUpdate?: TimeSeriesUpdateResolvers<ContextType>;
};

