package tributary.bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/** What bench/keyed-backlog.ts publishes under the key of its user. */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Event(
    @JsonProperty("user") String user,
    @JsonProperty("page") String page,
    @JsonProperty("cents") long cents,
    @JsonProperty("at") long at) {}
