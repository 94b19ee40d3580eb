// TrafficModel
