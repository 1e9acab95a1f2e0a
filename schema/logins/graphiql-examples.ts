/** The tabs that GraphiQL opens with: each runs as it stands and shows one thing that the API can do. */
export const GRAPHIQL_EXAMPLES: readonly string[] = Object.freeze([
  `# The ten states with most logins, and how fresh the answer is.
query TopStates {
  states(first: 10) {
    nodes {
      code
      name
      devices { ios android other total }
      leader
      lastLoginAt
    }
    totals { ios android other total }
    unattributed { total }
    freshness { asOf complete lag }
  }
}
`,
  `# Logins as they come: everything first, then what changed, at most four times a second.
# The same works over WebSocket, and with curl over SSE.
subscription LiveStates {
  states(intervalMs: 250) {
    kind
    cursor
    states { code devices { ios android other total } }
    totals { total }
    freshness { asOf }
  }
}
`,
  `# The last hour, minute by minute. Try resolution: HOUR, or states: [CA, TX].
query LastHour {
  timeSeries(resolution: MINUTE) {
    from
    to
    points {
      start
      devices { ios android other total }
    }
  }
}
`,
  `# What the counts say, as numbers and in English.
query Insights {
  insights {
    sentences
    topState { name devices { total } }
    moreIos { code }
    moreAndroid { code }
    byGdpClass { class states leader devices { ios android total } }
  }
}
`,
  `# What was wrong with the records that came in. consumed = counted + deadLettered, always.
query DataQuality {
  dataQuality {
    consumed
    counted
    deadLettered
    deadLetters { reason count }
    missing { field count }
    invalid { field count }
    late
  }
}
`,
  `# Who does the work: instances of the processor, their tasks, and what is left to do.
query Processor {
  processor {
    applicationId
    guarantee
    lag
    instances {
      host
      alive
      threads
      recordsPerSecond
      tasks { id role state inputs lag restore { restored total remainingMs } }
    }
    topology
  }
}
`,
]);
