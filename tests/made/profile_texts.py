"""fio templates that tests of several kinds complete with jobs of their own."""

#: What every profile needs, in 12 lines. The block size is the job's.
HEAD = """[global]
ioengine=libaio
direct=1
time_based
group_reporting
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
size=${FILE_SIZE}
filename=fio-testfile
iodepth=${IODEPTH}
numjobs=${NUMJOBS}
lat_percentiles=1
"""
#: The same in the block size that is asked for.
SIZED = f"{HEAD}bs=${{BLOCK_SIZE}}\n"
#: Half of it reads, half of it writes.
MIX = f"{SIZED}[a]\nrw=randrw\n"
