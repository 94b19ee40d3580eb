// #embed is C23; clang takes it in every mode, tracks the files as dependencies, and is fast at any size.
#pragma clang diagnostic ignored "-Wc23-extensions"
#include "COpenAPI.h"

static const unsigned char core_v1[] = {
#embed "../../openapi/api__v1.json"
};
static const unsigned char apiextensions_v1[] = {
#embed "../../openapi/apis__apiextensions.k8s.io__v1.json"
};
static const unsigned char apps_v1[] = {
#embed "../../openapi/apis__apps__v1.json"
};
static const unsigned char autoscaling_v1[] = {
#embed "../../openapi/apis__autoscaling__v1.json"
};
static const unsigned char autoscaling_v2[] = {
#embed "../../openapi/apis__autoscaling__v2.json"
};
static const unsigned char batch_v1[] = {
#embed "../../openapi/apis__batch__v1.json"
};
static const unsigned char coordination_v1[] = {
#embed "../../openapi/apis__coordination.k8s.io__v1.json"
};
static const unsigned char discovery_v1[] = {
#embed "../../openapi/apis__discovery.k8s.io__v1.json"
};
static const unsigned char events_v1[] = {
#embed "../../openapi/apis__events.k8s.io__v1.json"
};
static const unsigned char networking_v1[] = {
#embed "../../openapi/apis__networking.k8s.io__v1.json"
};
static const unsigned char policy_v1[] = {
#embed "../../openapi/apis__policy__v1.json"
};
static const unsigned char rbac_v1[] = {
#embed "../../openapi/apis__rbac.authorization.k8s.io__v1.json"
};
static const unsigned char admissionregistration_v1[] = {
#embed "../../openapi/apis__admissionregistration.k8s.io__v1.json"
};
static const unsigned char apiregistration_v1[] = {
#embed "../../openapi/apis__apiregistration.k8s.io__v1.json"
};
static const unsigned char authentication_v1[] = {
#embed "../../openapi/apis__authentication.k8s.io__v1.json"
};
static const unsigned char authorization_v1[] = {
#embed "../../openapi/apis__authorization.k8s.io__v1.json"
};
static const unsigned char certificates_v1[] = {
#embed "../../openapi/apis__certificates.k8s.io__v1.json"
};
static const unsigned char flowcontrol_v1[] = {
#embed "../../openapi/apis__flowcontrol.apiserver.k8s.io__v1.json"
};
static const unsigned char node_v1[] = {
#embed "../../openapi/apis__node.k8s.io__v1.json"
};
static const unsigned char resource_v1[] = {
#embed "../../openapi/apis__resource.k8s.io__v1.json"
};
static const unsigned char scheduling_v1[] = {
#embed "../../openapi/apis__scheduling.k8s.io__v1.json"
};
static const unsigned char storage_v1[] = {
#embed "../../openapi/apis__storage.k8s.io__v1.json"
};
static const unsigned char traffic_v1[] = {
#embed "../../openapi/apis__traffic.martlet.dev__v1.json"
};

static const unsigned char metallb_v1beta1[] = {
#embed "../../openapi/apis__metallb.io__v1beta1.json"
};
static const unsigned char metallb_v1beta2[] = {
#embed "../../openapi/apis__metallb.io__v1beta2.json"
};

static const struct martlet_openapi_document documents[] = {
    {"api/v1", core_v1, sizeof core_v1},
    {"apis/apiextensions.k8s.io/v1", apiextensions_v1, sizeof apiextensions_v1},
    {"apis/apps/v1", apps_v1, sizeof apps_v1},
    {"apis/autoscaling/v1", autoscaling_v1, sizeof autoscaling_v1},
    {"apis/autoscaling/v2", autoscaling_v2, sizeof autoscaling_v2},
    {"apis/batch/v1", batch_v1, sizeof batch_v1},
    {"apis/coordination.k8s.io/v1", coordination_v1, sizeof coordination_v1},
    {"apis/discovery.k8s.io/v1", discovery_v1, sizeof discovery_v1},
    {"apis/events.k8s.io/v1", events_v1, sizeof events_v1},
    {"apis/networking.k8s.io/v1", networking_v1, sizeof networking_v1},
    {"apis/policy/v1", policy_v1, sizeof policy_v1},
    {"apis/rbac.authorization.k8s.io/v1", rbac_v1, sizeof rbac_v1},
    {"apis/admissionregistration.k8s.io/v1", admissionregistration_v1, sizeof admissionregistration_v1},
    {"apis/apiregistration.k8s.io/v1", apiregistration_v1, sizeof apiregistration_v1},
    {"apis/authentication.k8s.io/v1", authentication_v1, sizeof authentication_v1},
    {"apis/authorization.k8s.io/v1", authorization_v1, sizeof authorization_v1},
    {"apis/certificates.k8s.io/v1", certificates_v1, sizeof certificates_v1},
    {"apis/flowcontrol.apiserver.k8s.io/v1", flowcontrol_v1, sizeof flowcontrol_v1},
    {"apis/node.k8s.io/v1", node_v1, sizeof node_v1},
    {"apis/resource.k8s.io/v1", resource_v1, sizeof resource_v1},
    {"apis/scheduling.k8s.io/v1", scheduling_v1, sizeof scheduling_v1},
    {"apis/storage.k8s.io/v1", storage_v1, sizeof storage_v1},
    {"apis/traffic.martlet.dev/v1", traffic_v1, sizeof traffic_v1},
    {"apis/metallb.io/v1beta1", metallb_v1beta1, sizeof metallb_v1beta1},
    {"apis/metallb.io/v1beta2", metallb_v1beta2, sizeof metallb_v1beta2},
};

size_t martlet_openapi_document_count(void) { return sizeof documents / sizeof documents[0]; }

struct martlet_openapi_document martlet_openapi_document_at(size_t index) { return documents[index]; }
