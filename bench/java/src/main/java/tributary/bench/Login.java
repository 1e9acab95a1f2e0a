package tributary.bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/** A login as the generator publishes it. */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Login(
    @JsonProperty("user_id") String userId,
    @JsonProperty("app_version") String appVersion,
    @JsonProperty("ip") String ip,
    @JsonProperty("locale") String locale,
    @JsonProperty("device_id") String deviceId,
    @JsonProperty("timestamp") long timestamp,
    @JsonProperty("device_type") String deviceType) {}
