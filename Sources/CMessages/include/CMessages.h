#pragma once

#include "arena.h"
#include "google/protobuf/any.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "messageexport/v1/administration.pb-c.h"
#include "messageexport/v1/configuration.pb-c.h"
#include "messageexport/v1/dataflow.pb-c.h"
#include "messageexport/v1/dataset.pb-c.h"
#include "messageexport/v1/destination.pb-c.h"
#include "messageexport/v1/error.pb-c.h"
#include "messageexport/v1/ingestion.pb-c.h"
#include "messageexport/v1/message.pb-c.h"
#include "ttrpc.pb-c.h"
