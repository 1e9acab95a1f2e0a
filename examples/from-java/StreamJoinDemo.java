/*
 * Licensed to the Apache Software Foundation (ASF) under one or more
 * contributor license agreements. See the NOTICE file distributed with
 * this work for additional information regarding copyright ownership.
 * The ASF licenses this file to You under the Apache License, Version 2.0
 * (the "License"); you may not use this file except in compliance with
 * the License. You may obtain a copy of the License at
 *
 *    http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
/*
 * Changed for Tributary: the three joins of docs/streams/developer-guide/dsl-api.html of Apache Kafka at commit
 * 1eb7644349cb, with StreamJoined in place of the older Joined, written as one program. Kafka's own demos have no join
 * of two streams.
 */
package org.apache.kafka.streams.examples.join;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;

import java.time.Duration;
import java.util.Properties;

/** Joins two streams whose records are at most five minutes apart: inner, left and outer. */
public final class StreamJoinDemo {

    public static Properties streamsConfig() {
        final Properties props = new Properties();
        props.put(StreamsConfig.APPLICATION_ID_CONFIG, "streams-join");
        props.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "localhost:9092");
        props.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        return props;
    }

    public static void createJoinStream(final StreamsBuilder builder) {
        final KStream<String, Long> left = builder.stream("left", Consumed.with(Serdes.String(), Serdes.Long()));
        final KStream<String, Double> right = builder.stream("right", Consumed.with(Serdes.String(), Serdes.Double()));

        final KStream<String, String> joined = left.join(right,
            (leftValue, rightValue) -> "left=" + leftValue + ", right=" + rightValue, /* ValueJoiner */
            JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofMinutes(5)),
            StreamJoined.with(
                Serdes.String(), /* key */
                Serdes.Long(),   /* left value */
                Serdes.Double())  /* right value */
        );

        final KStream<String, String> leftJoined = left.leftJoin(right,
            (leftValue, rightValue) -> "left=" + leftValue + ", right=" + rightValue, /* ValueJoiner */
            JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofMinutes(5)),
            StreamJoined.with(
                Serdes.String(), /* key */
                Serdes.Long(),   /* left value */
                Serdes.Double())  /* right value */
        );

        final KStream<String, String> outerJoined = left.outerJoin(right,
            (leftValue, rightValue) -> "left=" + leftValue + ", right=" + rightValue, /* ValueJoiner */
            JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofMinutes(5)),
            StreamJoined.with(
                Serdes.String(), /* key */
                Serdes.Long(),   /* left value */
                Serdes.Double())  /* right value */
        );

        joined.to("joined", Produced.with(Serdes.String(), Serdes.String()));
        leftJoined.to("left-joined", Produced.with(Serdes.String(), Serdes.String()));
        outerJoined.to("outer-joined", Produced.with(Serdes.String(), Serdes.String()));
    }
}
